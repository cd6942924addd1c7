# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A folder for each web server, and custom services: reads configurations, renders sites, tests and reloads."""
