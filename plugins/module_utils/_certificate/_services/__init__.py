# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file for each service, and one for its configuration; which there are is listed in _service_registry.py."""
