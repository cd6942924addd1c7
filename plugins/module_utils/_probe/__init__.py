# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks from outside: TCP, TLS, names and chain, redirect, HTTP/2, HSTS, QUIC."""
