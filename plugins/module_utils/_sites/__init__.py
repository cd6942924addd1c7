# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Use case: serve sites with their certificates, all of them as one, or leave everything as it was."""
