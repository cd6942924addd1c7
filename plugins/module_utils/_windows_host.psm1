# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# Reads Windows, and nothing else: the only lines about the firewall that no other system can run. The cmdlets that
# write rules are those of the module NetSecurity.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Function Get-KeyValue {
    # All values of a key of HKLM by their names, as they are stored; $null where there is no such key. The registry's
    # provider would add properties of its own, and needs seconds for thousands of values.
    param ([string]$Path)
    # A 32-bit PowerShell would be shown another SOFTWARE\Policies.
    $base = [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', 'Registry64')
    try {
        $key = $base.OpenSubKey($Path)
        if ($null -eq $key) {
            return $null
        }
        try {
            $values = New-Object System.Collections.Hashtable([System.StringComparer]::OrdinalIgnoreCase)
            foreach ($name in $key.GetValueNames()) {
                $values[$name] = $key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
            }
            return $values
        }
        finally {
            $key.Dispose()
        }
    }
    finally {
        $base.Dispose()
    }
}

Function Get-ProfileState {
    # What INetFwPolicy2 says of the profiles, group policy included.
    $firewall = New-Object -ComObject HNetCfg.FwPolicy2
    $profiles = @{}
    foreach ($bit in 1, 2, 4) {
        $profiles["$bit"] = @{
            enabled = [bool]$firewall.FirewallEnabled($bit)
            block_all = [bool]$firewall.BlockAllInboundTraffic($bit)
            inbound = [int]$firewall.DefaultInboundAction($bit)
            outbound = [int]$firewall.DefaultOutboundAction($bit)
        }
    }
    return @{
        active = [int]$firewall.CurrentProfileTypes
        modify_state = [int]$firewall.LocalPolicyModifyState
        profiles = $profiles
    }
}

Function Get-ServiceState {
    # The state of a service in the words of ServiceControllerStatus, which no language changes; empty if it is missing.
    param ([string]$Name)
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if ($null -eq $service) {
        return ''
    }
    return [string]$service.Status
}

Function Get-NetstatLine {
    # The lines of netstat; its words are translated, the shape of a line is not.
    return , @(netstat.exe -ano)
}

Function Get-ProgramPath {
    # The path of a process; empty where it cannot be seen, or is gone.
    param ([int]$Id)
    $process = Get-Process -Id $Id -ErrorAction SilentlyContinue
    if ($null -eq $process) {
        return ''
    }
    return [string]$process.Path
}

Export-ModuleMember -Function Get-KeyValue, Get-ProfileState, Get-ServiceState, Get-NetstatLine, Get-ProgramPath
