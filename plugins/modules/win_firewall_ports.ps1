#!powershell

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

#AnsibleRequires -PowerShell ..module_utils._windows
#AnsibleRequires -PowerShell ..module_utils._windows_step

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Write-Answer -Block { Invoke-FirewallStep -Arguments $complex_args }
