# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iptables with its nft and legacy frontends: a chain of ours, the jumps to it, the rules file for the boot."""
