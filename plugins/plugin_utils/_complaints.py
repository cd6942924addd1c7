# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What action plugins say of arguments that a module does not take."""

from __future__ import annotations

from ansible.module_utils.common.arg_spec import ValidationResult
from ansible.module_utils.errors import UnsupportedError


def complaints(validated: ValidationResult) -> str:
    """Returns what is wrong with the arguments as a sentence, empty if nothing is."""
    # Of an option that does not exist, Ansible's own text is its name and those that do.
    return "; ".join(
        f"there is no option {error.msg}" if isinstance(error, UnsupportedError) else error.msg
        for error in validated.errors
    )
