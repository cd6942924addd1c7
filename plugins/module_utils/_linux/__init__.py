# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes a Linux host: rulesets of all frontends, links, ssh sessions, boot scripts; changes nothing."""
