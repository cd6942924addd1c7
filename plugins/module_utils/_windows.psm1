# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# Looks at Windows Firewall, and carries out what the controller planned. Decides nothing about rules.

#AnsibleRequires -PowerShell ._windows_host
#AnsibleRequires -PowerShell ._windows_step

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$format = 1
$local_policy = 'SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy'
$mdm_policy = "$local_policy\Mdm"
$group_policy = 'SOFTWARE\Policies\Microsoft\WindowsFirewall'
$stores = @{ 'local' = $local_policy; 'mdm' = $mdm_policy; 'gpo' = $group_policy }
$most = 2000  # rules of a store that are sent whatever they are

Function New-Pattern {
    # A pattern that means the same in every culture: in Turkish, i is not the small I.
    param ([string]$Text)
    return New-Object System.Text.RegularExpressions.Regex($Text, [System.Text.RegularExpressions.RegexOptions]'IgnoreCase, CultureInvariant')
}

Function Select-Rule {
    # Those that can matter, where there are too many: ours, what can block, and what allows as the controller says. A
    # rule of an app package or of Wi-Fi Direct is about nobody else.
    param ([System.Collections.IDictionary]$Rule, [string]$Prefix, [string]$Allow)
    $enabled = New-Pattern -Text '\|Active=TRUE\|'
    $bound = New-Pattern -Text '\|(AppPkgId|PFN|LUOwn|TTK[0-9_]*)='
    $blocks = New-Pattern -Text '\|Action=Block\|'
    $allows = New-Pattern -Text $Allow
    $kept = New-Object System.Collections.Hashtable([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($entry in $Rule.GetEnumerator()) {
        $text = $entry.Value
        $ours = ([string]$entry.Key).StartsWith($Prefix, [System.StringComparison]::OrdinalIgnoreCase)
        if ($ours -or ($enabled.IsMatch($text) -and -not $bound.IsMatch($text) -and ($blocks.IsMatch($text) -or $allows.IsMatch($text)))) {
            $kept[$entry.Key] = $text
        }
    }
    return $kept
}

Function Get-Rule {
    # The rules of a store: how many there are, those that can matter, and names of values that are no text.
    param ([string]$Policy, [System.Collections.IDictionary]$Arguments)
    $texts = New-Object System.Collections.Hashtable([System.StringComparer]::OrdinalIgnoreCase)
    $skipped = New-Object System.Collections.ArrayList
    $values = Get-KeyValue -Path "$Policy\FirewallRules"
    if ($null -ne $values) {
        foreach ($entry in $values.GetEnumerator()) {
            if ($entry.Value -is [string]) {
                $texts[$entry.Key] = $entry.Value
            }
            else {
                $null = $skipped.Add([string]$entry.Key)
            }
        }
    }
    # A rule may be called Count: then .Count would be that rule.
    $count = $texts.get_Count()
    $sent = $texts
    if ($count -gt $most) {
        $sent = Select-Rule -Rule $texts -Prefix ([string]$Arguments['prefix']) -Allow ([string]$Arguments['allow'])
    }
    return @{ count = $count; packed = ConvertTo-Packed -Value $sent; skipped = $skipped.ToArray() }
}

Function Get-Setting {
    # The numbers of a key; $null where there is no such key.
    param ([string]$Path)
    $values = Get-KeyValue -Path $Path
    if ($null -eq $values) {
        return $null
    }
    $numbers = @{}
    foreach ($entry in $values.GetEnumerator()) {
        if ($entry.Value -is [int]) {
            $numbers[[string]$entry.Key] = $entry.Value
        }
    }
    return $numbers
}

Function Get-Listener {
    # Who listens; pairs of numbers, low and high, say at which ports.
    param ([int[]]$Range)
    $found = New-Object System.Collections.ArrayList
    $line_of = New-Pattern -Text '^\s*(TCP|UDP)\s+(\S+):(\d+)\s+(?:0\.0\.0\.0:0|\[::\]:0|\*:\*)\s.*?(\d+)\s*$'
    foreach ($line in (Get-NetstatLine)) {
        $match = $line_of.Match($line)
        if (-not $match.Success) {
            continue
        }
        $port = [int]$match.Groups[3].Value
        for ($at = 0; $at -lt $Range.Length; $at += 2) {
            if ($port -ge $Range[$at] -and $port -le $Range[$at + 1]) {
                $id = [int]$match.Groups[4].Value
                $program = 'System'  # what http.sys, and so IIS, listens as
                if ($id -ne 4) {
                    $program = Get-ProgramPath -Id $id
                }
                $null = $found.Add(@{
                        protocol = $match.Groups[1].Value.ToLowerInvariant()
                        address = $match.Groups[2].Value
                        port = $port
                        pid = $id
                        program = $program
                    })
                break
            }
        }
    }
    return , $found.ToArray()
}

Function Get-Observation {
    param ([System.Collections.IDictionary]$Arguments)
    $found = @{}
    $settings = @{}
    foreach ($store in 'local', 'mdm', 'gpo') {
        $found[$store] = Get-Rule -Policy $stores[$store] -Arguments $Arguments
        foreach ($part in 'DomainProfile', 'PrivateProfile', 'PublicProfile', 'StandardProfile') {
            $settings["${store}:$part"] = Get-Setting -Path "$($stores[$store])\$part"
        }
    }
    return @{
        format = $format
        os = @{
            version = [string][System.Environment]::OSVersion.Version
            powershell = [string]$PSVersionTable.PSVersion
            culture = [System.Globalization.CultureInfo]::CurrentUICulture.Name
        }
        services = @{ MpsSvc = Get-ServiceState -Name MpsSvc; BFE = Get-ServiceState -Name BFE }
        state = Get-ProfileState
        policy = $settings
        stores = $found
        listeners = Get-Listener -Range ([int[]]$Arguments['ports'])
    }
}

Function Invoke-RuleOperation {
    # One change of the store that outlives a reboot; fields are the cmdlet's own parameters.
    param ([System.Collections.IDictionary]$Operation)
    $id = [string]$Operation['id']
    if ([string]::IsNullOrEmpty($id)) {
        # Remove-NetFirewallRule without a name takes every rule of the store away.
        throw 'an operation has no id'
    }
    $fields = @{ PolicyStore = 'PersistentStore' }
    if ($Operation.Contains('fields')) {
        foreach ($entry in $Operation['fields'].GetEnumerator()) {
            $fields[[string]$entry.Key] = $entry.Value
        }
    }
    # The name of a rule that exists is a pattern.
    $literal = [System.Management.Automation.WildcardPattern]::Escape($id)
    switch ([string]$Operation['do']) {
        'add' { $null = New-NetFirewallRule -Name $id @fields -ErrorAction Stop }
        'set' { $null = Set-NetFirewallRule -Name $literal @fields -ErrorAction Stop }
        'remove' {
            try {
                $null = Remove-NetFirewallRule -Name $literal @fields -ErrorAction Stop
            }
            catch {
                if ([string]$_.CategoryInfo.Category -ne 'ObjectNotFound') {
                    throw
                }
            }
        }
        default { throw "there is no operation '$($Operation['do'])'" }
    }
}

Function Get-RuleText {
    # The texts of some rules of the local store, $null for those that are not there.
    param ([object[]]$Id)
    $have = Get-KeyValue -Path "$local_policy\FirewallRules"
    $texts = New-Object System.Collections.Hashtable([System.StringComparer]::Ordinal)
    foreach ($one in $Id) {
        $texts[$one] = $null
        if ($null -ne $have -and $have.ContainsKey($one)) {
            $texts[$one] = $have[$one]
        }
    }
    return $texts
}

Function Test-Same {
    # Whether two texts are the same; [string]::Equals takes $null for ''.
    param ([object]$One, [object]$Other)
    if ($null -eq $One -or $null -eq $Other) {
        return ($null -eq $One -and $null -eq $Other)
    }
    return [string]::Equals([string]$One, [string]$Other, [System.StringComparison]::Ordinal)
}

Function Test-Guard {
    # Whether rules still are what the controller saw.
    param ([object[]]$Guard)
    $now = Get-RuleText -Id @($Guard | ForEach-Object { [string]$_['id'] })
    foreach ($seen in $Guard) {
        if (-not (Test-Same -One $now[[string]$seen['id']] -Other $seen['text'])) {
            return $false
        }
    }
    return $true
}

Function Wait-Rule {
    # The service writes what the cmdlets tell it; nothing says that this is done before they return.
    param ([object[]]$Operation, [object[]]$Guard)
    $before = New-Object System.Collections.Hashtable([System.StringComparer]::Ordinal)
    foreach ($seen in $Guard) {
        $before[[string]$seen['id']] = $seen['text']
    }
    $last = New-Object System.Collections.Hashtable([System.StringComparer]::Ordinal)
    foreach ($one in $Operation) {
        $last[[string]$one['id']] = [string]$one['do']
    }
    $ids = @($last.GetEnumerator() | ForEach-Object { [string]$_.Key })
    foreach ($try in 1..3) {
        $now = Get-RuleText -Id $ids
        $late = @($ids | Where-Object { ($last[$_] -eq 'remove') -ne ($null -eq $now[$_]) -or ($last[$_] -eq 'set' -and (Test-Same -One $now[$_] -Other $before[$_])) })
        if ($late.Length -eq 0) {
            return
        }
        Start-Sleep -Milliseconds 200
    }
}

Function Invoke-FirewallStep {
    # One execution: carries out operations if there are any and the guard holds, then looks.
    param ([System.Collections.IDictionary]$Arguments)
    if ([string]$Arguments['format'] -ne [string]$format) {
        throw "the controller speaks format $($Arguments['format']), this script $format`: the collection was changed while it ran; run again"
    }
    $done = @{ applied = [object[]]@(); failure = $null }
    $guarded = $true
    $operations = @(if ($Arguments.Contains('operations')) { $Arguments['operations'] })
    $guard = @(if ($Arguments.Contains('guard')) { $Arguments['guard'] })
    if ($operations.Length -gt 0) {
        $step = Invoke-Alone -Block {
            $held = Test-Guard -Guard $guard
            $result = $done
            if ($held) {
                $result = Invoke-OperationList -Operation $operations -Block { param ($Operation) Invoke-RuleOperation -Operation $Operation }
                if ($null -eq $result['failure']) {
                    Wait-Rule -Operation $operations -Guard $guard
                }
            }
            @{ guarded = $held; result = $result }
        }
        $guarded = $step['guarded']
        $done = $step['result']
    }
    $answer = Get-Observation -Arguments $Arguments
    $answer['changed'] = $done['applied'].Length -gt 0
    $answer['guarded'] = $guarded
    $answer['applied'] = $done['applied']
    $answer['failure'] = $done['failure']
    return $answer
}

Export-ModuleMember -Function Invoke-FirewallStep
