# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pure model of netfilter: rulesets, packets, conntrack, NAT, and the verdict on a connection."""
