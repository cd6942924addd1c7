# Plays Windows for tests; nothing real has confirmed it. The registry, services and listeners are a file,
# $env:PORT443_PLAYED, and so are the rules that the cmdlets write, as texts like those of the registry. The parameters of
# the cmdlets are those of $env:PORT443_CMDLETS, Microsoft's own tables.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$source = @'
namespace Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity {
    public enum Enabled : ushort { True = 1, False = 2 }
    public enum Action : ushort { NotConfigured = 0, Allow = 2, Block = 4 }
    public enum Direction : ushort { Inbound = 1, Outbound = 2 }
    [System.Flags] public enum Profile : ushort { Any = 0, Domain = 1, Private = 2, Public = 4, NotApplicable = 65535 }
    public enum EdgeTraversal : ushort { Block = 0, Allow = 1, DeferToUser = 2, DeferToApp = 3 }
    public enum DynamicTransport : uint { Any = 0, ProximityApps = 1, ProximitySharing = 2, WifiDirectPrinting = 3, WifiDirectDisplay = 4, WifiDirectDevices = 5 }
    public enum InterfaceType : uint { Any = 0, Wired = 1, Wireless = 2, RemoteAccess = 4 }
    public enum Authentication : ushort { NotRequired = 0, Required = 1, NoEncap = 2 }
    public enum Encryption : ushort { NotRequired = 0, Required = 1, Dynamic = 2 }
    public enum PrimaryStatus : ushort { Unknown = 0, OK = 1, Inactive = 2, Error = 3 }
    public enum PolicyStoreType : ushort { None = 0, Local = 1, GroupPolicy = 2, Dynamic = 3, Generated = 4, Hardcoded = 5 }
}
'@
# Compiled once for all tests, beside the tables.
$library = Join-Path (Split-Path -Parent $env:PORT443_CMDLETS) "netsecurity-$($source.Length).dll"
if (-not (Test-Path -LiteralPath $library)) {
    $made = "$library.$PID"
    Add-Type -TypeDefinition $source -OutputAssembly $made
    Move-Item -LiteralPath $made -Destination $library -Force
}
$null = [System.Reflection.Assembly]::LoadFrom($library)
$types = 'Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity'
$order = 'Action', 'Active', 'Dir', 'Protocol', 'Profile', 'LPort', 'LPort2_10', 'RPort', 'RPort2_10', 'ICMP4', 'ICMP6', 'LA4', 'LA6', 'RA4', 'RA6', 'IF', 'IFType', 'App', 'Svc', 'Name', 'Desc', 'LUAuth', 'EmbedCtxt', 'Edge', 'Defer', 'LSM', 'LOM'

Function Read-State {
    $file = Get-Item -LiteralPath $env:PORT443_PLAYED
    $stamp = "$($file.FullName) $($file.LastWriteTimeUtc.Ticks) $($file.Length)"
    if ($script:stamp -ne $stamp) {
        $script:state = [System.IO.File]::ReadAllText($env:PORT443_PLAYED) | ConvertFrom-Json -AsHashtable
        $script:stamp = $stamp
    }
    $script:state
}
$script:stamp = ''
$script:state = $null
Function Write-State {
    [System.IO.File]::WriteAllText($env:PORT443_PLAYED, (ConvertTo-Json -InputObject $script:state -Depth 9))
    $file = Get-Item -LiteralPath $env:PORT443_PLAYED
    $script:stamp = "$($file.FullName) $($file.LastWriteTimeUtc.Ticks) $($file.Length)"
}
Function Copy-Table {
    # As the registry is read: names without case, values as they are.
    param ([object]$Table)
    if ($null -eq $Table) { return $null }
    $copy = [System.Collections.Hashtable]::new([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($entry in $Table.GetEnumerator()) { $copy[$entry.Key] = if ($entry.Value -is [long]) { [int]$entry.Value } else { $entry.Value } }
    $copy
}

Function Start-Race {
    # Somebody else changes rules after the controller has looked: one element of 'race' in each execution after the first.
    $state = Read-State
    if ($state.Contains('race') -and $state.race.Length -gt 0 -and $state['runs'] -gt 0 -and $state['raced'] -ne $state.runs) {
        foreach ($entry in $state.race[0].GetEnumerator()) {
            if ($null -eq $entry.Value) { $state.local.Remove($entry.Key) } else { $state.local[$entry.Key] = $entry.Value }
        }
        $state.race = [object[]]@($state.race | Select-Object -Skip 1)
        $state.raced = $state.runs
        Write-State
    }
}

Function Get-KeyValue {
    param ([string]$Path)
    Start-Race
    $state = Read-State
    $store = switch -Wildcard ($Path) { '*\FirewallPolicy\Mdm\*' { 'mdm'; break } 'SYSTEM\*\FirewallPolicy\*' { 'local' } 'SOFTWARE\Policies\Microsoft\WindowsFirewall\*' { 'gpo' } default { throw "nobody plays $Path" } }
    $part = ($Path -split '\\')[-1]
    if ($part -ne 'FirewallRules') { return Copy-Table $state['policy']["${store}:$part"] }
    if ($store -eq 'local' -and $state.Contains('late') -and $state.late -gt 0 -and $state.Contains('stale')) {
        # The service has not written yet what it was told.
        $state.late -= 1
        Write-State
        return Copy-Table $state.stale
    }
    Copy-Table $state[$store]
}
Function Get-ProfileState {
    $state = Read-State
    $state.runs = 1 + $state['runs']
    Write-State
    if ($state.Contains('com_fails')) { throw [System.Runtime.InteropServices.COMException]::new($state.com_fails, -2147023143) }
    @{ active = [int]$state['active']; modify_state = [int]$state['modify_state']; profiles = $(if ($state.Contains('profiles')) { $state.profiles } else { @{} }) }
}
Function Get-ServiceState { param ([string]$Name) $state = Read-State; if ($state.Contains('services')) { $state.services[$Name] } else { 'Running' } }
Function Get-NetstatLine { $state = Read-State; return , @(if ($state.Contains('netstat')) { $state.netstat }) }
Function Get-ProgramPath { param ([int]$Id) $state = Read-State; if ($state.Contains('programs')) { [string]$state.programs["$Id"] } else { '' } }

Function ConvertTo-Part {
    # The keys that a cmdlet's parameters become, each with its values.
    param ([System.Collections.IDictionary]$Bound)
    $parts = @{}
    foreach ($entry in $Bound.GetEnumerator()) {
        $value = $entry.Value
        switch ($entry.Key) {
            'Action' { $parts.Action = @([string]$value) }
            'Enabled' { $parts.Active = @(([string]$value).ToUpperInvariant()) }
            'Direction' { $parts.Dir = @(@{ Inbound = 'In'; Outbound = 'Out' }[[string]$value]) }
            'Protocol' { $parts.Protocol = @(@{ TCP = '6'; UDP = '17'; '6' = '6'; '17' = '17' }[$value]); if ($null -eq $parts.Protocol[0]) { $parts.Protocol = @() } }
            'Profile' { $parts.Profile = @('Domain', 'Private', 'Public' | Where-Object { [int]$value -band [int][Enum]::Parse("$types.Profile" -as [type], $_) }) }
            { $_ -in 'LocalPort', 'RemotePort' } {
                $key = $_[0] + 'Port'
                $parts[$key] = @($value | Where-Object { $_ -ne 'Any' -and $_ -notlike '*-*' })
                $parts["${key}2_10"] = @($value | Where-Object { $_ -like '*-*' })
            }
            { $_ -in 'LocalAddress', 'RemoteAddress' } {
                $key = $_[0] + 'A'
                $parts["${key}4"] = @($value | Where-Object { $_ -notlike '*:*' -and $_ -ne 'Any' } | ForEach-Object { Format-Address $_ })
                $parts["${key}6"] = @($value | Where-Object { $_ -like '*:*' })
            }
            'Program' { $parts.App = @($value | Where-Object { $_ -ne 'Any' }) }
            'Service' { $parts.Svc = @($(if ($value -eq 'Any') { '*' } else { $value })) }
            { $_ -in 'DisplayName', 'NewDisplayName' } { $parts.Name = @($value) }
            'Description' { $parts.Desc = @($value) }
            'Group' { $parts.EmbedCtxt = @($value) }
            'LocalUser' { $parts.LUAuth = @($value) }
            'EdgeTraversalPolicy' { $parts.Edge = @(if ([string]$value -ne 'Block') { 'TRUE' }); $parts.Defer = @(if ([string]$value -like 'DeferTo*') { ([string]$value).Substring(7) }) }
            { $_ -in 'PolicyStore', 'Name', 'ErrorAction' } { }
            default { throw "the played cmdlets do not know what $_ writes" }
        }
    }
    $parts
}
Function Format-Address {
    # A prefix is stored as a mask.
    param ([string]$Address)
    $network, $bits = $Address -split '/'
    if ($null -eq $bits -or $bits -like '*.*') { return $Address }
    $mask = ([uint64]4294967295 -shl (32 - [int]$bits)) -band 4294967295
    "$network/" + ((24, 16, 8, 0 | ForEach-Object { ($mask -shr $_) -band 255 }) -join '.')
}
Function Format-Text {
    # A rule as the service writes it: the order of the keys is its own.
    param ([System.Collections.IDictionary]$Parts)
    $ports = @($Parts['LPort'] + $Parts['RPort'] | Where-Object { $_ })
    if ($ports.Length -and @($Parts['Protocol'] | Where-Object { $_ -in '6', '17' }).Length -eq 0) {
        throw 'The port is invalid. When specifying ports the protocol must be TCP or UDP.'
    }
    foreach ($value in @($Parts.Values | ForEach-Object { $_ })) { if ($value -like '*|*') { throw 'The parameter is incorrect.' } }
    $written = foreach ($key in $order) { foreach ($value in $Parts[$key]) { if ($null -ne $value) { "$key=$value" } } }
    'v2.31|' + ($written -join '|') + '|'
}
Function Read-Text {
    param ([string]$Text)
    $parts = @{}
    foreach ($part in ($Text -split '\|' | Select-Object -Skip 1)) {
        $key, $value = $part -split '=', 2
        if ($key) { $parts[$key] = @($parts[$key]; $value) | Where-Object { $null -ne $_ } | ForEach-Object { $_ }; $parts[$key] = @($parts[$key]) }
    }
    $parts
}
Function Assert-NoFault {
    # A failure that the test asked for: {"ID:VERB": [HRESULT, CATEGORY, MESSAGE]}.
    param ([string]$Id, [string]$Verb)
    $state = Read-State
    if (-not $state.Contains('faults')) { return }
    $fault = $state.faults["${Id}:$Verb"]
    if ($null -eq $fault) { return }
    $problem = [System.Runtime.InteropServices.COMException]::new([string]$fault[2], [int]$fault[0])
    throw [System.Management.Automation.ErrorRecord]::new($problem, 'Windows System Error 5', [string]$fault[1], $Id)
}
Function Save-Rule {
    param ([string]$Id, [object]$Text)
    $state = Read-State
    if (-not $state.Contains('stale')) { $state.stale = Copy-Table $state.local }
    if ($state.Contains('drops') -and $state.drops -contains $Id) { return }
    if ($null -eq $Text) { $state.local.Remove($Id) } else { $state.local[$Id] = $Text }
    $state.epoch = 1 + $state['epoch']
    Write-State
}
Function Invoke-PlayedNew {
    param ([System.Collections.IDictionary]$Bound)
    $id = if ($Bound.ContainsKey('Name')) { $Bound.Name } else { "{$([guid]::NewGuid())}" }
    Assert-NoFault -Id $id -Verb add
    if ($Bound.DisplayName -eq 'All') { throw 'The parameter is incorrect.' }
    if (@((Read-State).local.Keys) -contains $id) {
        throw [System.ComponentModel.Win32Exception]::new(183, 'Cannot create a file when that file already exists.')
    }
    $parts = @{ Action = @('Allow'); Active = @('TRUE'); Dir = @('In') }
    $given = ConvertTo-Part -Bound $Bound
    foreach ($entry in $given.GetEnumerator()) { $parts[$entry.Key] = $entry.Value }
    Save-Rule -Id $id -Text (Format-Text $parts)
}
Function Find-Played {
    # The rules that one of the keys of a parameter set names; names are patterns.
    param ([string]$Set, [System.Collections.IDictionary]$Bound)
    $local = (Read-State).local
    if ($Set -eq 'GetAll') { return @($local.Keys) }
    $key = $Set -replace '^By'
    if ($key -notin 'Name', 'DisplayName', 'Group') { throw "the played cmdlets do not know the parameter set $Set" }
    $found = foreach ($pattern in $Bound[$key]) {
        $ids = @(foreach ($id in @($local.Keys)) {
                $value = switch ($key) { 'Name' { $id } 'DisplayName' { (Read-Text $local[$id])['Name'] } 'Group' { (Read-Text $local[$id])['EmbedCtxt'] } }
                if ($value -like $pattern) { $id }
            })
        if ($ids.Length -eq 0) {
            $words = "No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '$pattern'.  Verify the value of the property and retry."
            Write-Error -Exception ([System.Exception]::new($words)) -ErrorId 'CmdletizationQuery_NotFound_InstanceID' -Category ObjectNotFound -TargetObject $pattern
        }
        $ids
    }
    @($found)
}
Function Invoke-PlayedSet {
    param ([System.Collections.IDictionary]$Bound, [string]$Set)
    $query = @{ Name = 1; DisplayName = 1; DisplayGroup = 1; Group = 1; InputObject = 1 }
    $given = @{}
    foreach ($entry in $Bound.GetEnumerator()) { if (-not $query.ContainsKey($entry.Key)) { $given[$entry.Key] = $entry.Value } }
    foreach ($id in @(Find-Played -Set $Set -Bound $Bound)) {
        Assert-NoFault -Id $id -Verb set
        $parts = Read-Text (Read-State).local[$id]
        $new = ConvertTo-Part -Bound $given
        foreach ($entry in $new.GetEnumerator()) { $parts[$entry.Key] = $entry.Value }
        Save-Rule -Id $id -Text (Format-Text $parts)
    }
}
Function Invoke-PlayedRemove {
    param ([System.Collections.IDictionary]$Bound, [string]$Set)
    foreach ($id in @(Find-Played -Set $Set -Bound $Bound)) {
        Assert-NoFault -Id $id -Verb remove
        Save-Rule -Id $id -Text $null
    }
}

Function Format-Parameter {
    # The declaration of a parameter: one attribute for each set that has it.
    param ([string]$Name, [object[]]$Uses)
    $type = $Uses[0].type
    $shown = $type -replace '\[\]$'
    $full = switch ($shown) { 'CimInstance' { 'object' } 'WildcardPattern' { 'System.Management.Automation.WildcardPattern' } { $_ -in 'String', 'Boolean', 'switch' } { $_ } default { "$types.$shown" } }
    $attributes = foreach ($use in $Uses) {
        "[Parameter(ParameterSetName = '$($use.set)'$(if ($use.flags -like '*m*') { ', Mandatory' })$(if ($use.flags -like '*p*') { ', Position = 0' }))]"
    }
    $alias = if ($Name -eq 'DynamicTarget') { "[Alias('DynamicTransport')]" } else { '' }
    "        $($attributes -join '')$alias[$full$(if ($type -like '*`[`]') { '[]' })]`$$Name"
}
Function Get-PlayedSource {
    # A cmdlet as a function, with the parameter sets of Microsoft's table.
    param ([string]$Cmdlet, [System.Collections.IDictionary]$Sets)
    $uses = [ordered]@{}
    foreach ($set in $Sets.GetEnumerator()) {
        foreach ($parameter in $set.Value.GetEnumerator()) {
            $use = @{ set = $set.Key; type = $parameter.Value.type; flags = [string]$parameter.Value['flags'] }
            $uses[$parameter.Key] = @($uses[$parameter.Key]; $use) | Where-Object { $_ } | ForEach-Object { $_ }
        }
    }
    $declared = foreach ($entry in $uses.GetEnumerator()) { Format-Parameter -Name $entry.Key -Uses @($entry.Value) }
    $verb = ($Cmdlet -split '-')[0]
    $default = @($Sets.Keys)[0]
    "Function $Cmdlet {`n    [CmdletBinding(DefaultParameterSetName = '$default')]`n    param (`n$($declared -join ",`n")`n    )`n" +
    "    Invoke-Played$verb -Bound `$PSBoundParameters$(if ($verb -ne 'New') { ' -Set $PSCmdlet.ParameterSetName' })`n}"
}
$tables = [System.IO.File]::ReadAllText($env:PORT443_CMDLETS) | ConvertFrom-Json -AsHashtable
foreach ($cmdlet in 'New-NetFirewallRule', 'Set-NetFirewallRule', 'Remove-NetFirewallRule') {
    . ([scriptblock]::Create((Get-PlayedSource -Cmdlet $cmdlet -Sets $tables[$cmdlet])))
}
Export-ModuleMember -Function Get-KeyValue, Get-ProfileState, Get-ServiceState, Get-NetstatLine, Get-ProgramPath, New-NetFirewallRule, Set-NetFirewallRule, Remove-NetFirewallRule
