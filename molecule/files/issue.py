# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Issues a certificate for a scenario: ``issue.py FOLDER NAME`` writes ca.pem, NAME.pem and NAME.key there."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import pki

folder, name = Path(sys.argv[1]), sys.argv[2]
(folder / "ca.pem").write_bytes(pki.root().pem())
issued = pki.issue(name, [name], issuer=pki.intermediate())
(folder / f"{name}.pem").write_bytes(issued.pem() + pki.intermediate().pem())
key = folder / f"{name}.key"
key.touch(mode=0o600)
key.write_bytes(issued.key_pem())
