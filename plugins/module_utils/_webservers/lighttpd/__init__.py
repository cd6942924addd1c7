# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lighttpd: reads its configuration, renders sites in it, tests and restarts it."""
