# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""firewalld: a service of ours in a zone, over D-Bus for now and in its files for the next boot."""
