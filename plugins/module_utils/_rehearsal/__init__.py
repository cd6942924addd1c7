# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The next boot: rules files loaded into a private network namespace, and what the kernel holds then."""
