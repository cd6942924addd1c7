# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates in the stores of Windows and the bindings of http.sys: observed, planned and told as data alone."""
