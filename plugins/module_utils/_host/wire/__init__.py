# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wire of a Linux host: packets as its interfaces have them, before the firewall on the way in, behind it out."""
