# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pfctl and the commands around it as FreeBSD 14, OpenBSD 7 and macOS 15 have them, played with a state of their own.

Facts are from pfctl(8), pf.conf(5) and parse.y of each system. What it does not know it refuses.
"""
