# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host on which certbot keeps a certificate of a site, below a folder of the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import INSTALLATION
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths, SiteSettings
from played_renewal import certbot, host
from safe_folder import make_safe_folder

__all__ = ["certbot", "host"]

SITE = "www.example.com"
CONF = """# renew_before_expiry = 30 days
version = 2.1.0
archive_dir = /etc/letsencrypt/archive/port443-www.example.com
[renewalparams]
account = 5bf9d1d0b5ed6d4a0a4d2f0f8a1e2b3c
authenticator = webroot
webroot_path = /var/lib/port443/acme,
server = https://ca.example/dir
key_type = ecdsa
renew_hook = /usr/bin/python3 -I /var/lib/port443/renewal.pyz
[[webroot_map]]
www.example.com = /var/lib/port443/acme
"""


class RenewedHost:
    """The folders of a host; certbot's files are put there as certbot does, numbered and linked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = RenewalPaths(
            certbot=str(root / "letsencrypt"),
            home=str(root / "home"),
            log=str(root / "log"),
            program=str(root / "port443" / "renewal.pyz"),
            settings=str(root / "port443" / "renewal"),
            webroot=str(root / "port443" / "acme"),
        )
        self.certificates = root / "certificates"

    def settings(self, site: str = SITE, **options: Any) -> SiteSettings:
        known: Dict[str, Any] = {name: option.get("default") for name, option in INSTALLATION.items()}
        known.update(directory=str(self.certificates), names=[site], service="none", prove=False)
        known.update(ca=pki.root().pem().decode())
        return SiteSettings(site, {**known, **options})

    def keep(self, settings: SiteSettings) -> Path:
        folder = Path(self.layout.settings)
        folder.mkdir(parents=True, exist_ok=True)
        path = Path(self.layout.settings_of(settings.site))
        path.write_bytes(settings.to_bytes())
        path.chmod(0o600)
        return path

    def issue(self, issued: pki.Issued, number: int = 1, site: str = SITE) -> None:
        archive = Path(self.layout.certbot, "archive", self.layout.lineage(site))
        live = Path(self.layout.live(site))
        conf = Path(self.layout.certbot, "renewal", self.layout.lineage(site) + ".conf")
        for folder in (archive, live, conf.parent):
            folder.mkdir(parents=True, exist_ok=True)
        conf.write_text(CONF)
        files = {
            "cert": issued.pem(),
            "privkey": issued.key_pem(),
            "fullchain": issued.pem() + pki.intermediate().pem(),
        }
        for name, content in files.items():
            (archive / f"{name}{number}.pem").write_bytes(content)
            link = live / f"{name}.pem"
            if link.is_symlink():
                link.unlink()
            link.symlink_to(f"../../archive/{archive.name}/{name}{number}.pem")

    def installed(self, site: str = SITE) -> str:
        """The SHA-256 of the certificate that services find."""
        path = self.certificates / site / "current" / "fullchain.pem"
        return pki.fingerprint_of(path.read_bytes()) if path.exists() else ""


@pytest.fixture
def renewed():
    with make_safe_folder() as folder:
        yield RenewedHost(folder)
