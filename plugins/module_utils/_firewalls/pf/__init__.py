# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pf of FreeBSD, OpenBSD and macOS: an anchor with a file of its own, and a marked block in pf.conf that loads it."""
