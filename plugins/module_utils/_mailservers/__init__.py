# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mail servers that have a site's certificate as well: where they speak TLS, what tests and reloads them."""
