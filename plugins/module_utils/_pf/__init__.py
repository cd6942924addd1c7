# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The language of pf: rules as pfctl prints them, pf.conf, and how pf evaluates a packet."""
