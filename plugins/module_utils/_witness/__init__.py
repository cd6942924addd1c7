# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Use case: where a connection ends, before the host, in it, on the way back, or beyond it."""
