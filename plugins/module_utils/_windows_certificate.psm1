# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# Looks at certificates and bindings, and carries out what the controller planned: all of it, or nothing. Decides
# nothing.

#AnsibleRequires -PowerShell ._windows_step
#AnsibleRequires -PowerShell ._windows_certificate_host
#AnsibleRequires -PowerShell ._windows_certificate_binding
#AnsibleRequires -PowerShell ._windows_certificate_handshake
#AnsibleRequires -PowerShell ._windows_certificate_store

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$format = 2
$stores = 'My', 'WebHosting', 'CA'

Function ConvertTo-Thumbprint {
    # A hash as the registry holds it, bytes or text, as a thumbprint.
    param ($Value)
    if ($Value -is [byte[]]) {
        return [System.BitConverter]::ToString($Value).Replace('-', '')
    }
    return ([string]$Value).Replace(' ', '').ToUpperInvariant()
}

Function Get-User {
    # What else of Windows uses a certificate, by thumbprint.
    $found = @{}
    $places = @(
        @{ what = 'remote desktop'; path = 'SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations'; value = 'SSLCertificateSHA1Hash' }
        @{ what = 'WinRM'; path = 'SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Listener'; value = 'certThumbprint' }
    )
    foreach ($place in $places) {
        foreach ($entry in (Get-SubKey -Path $place['path']).GetEnumerator()) {
            if (-not $entry.Value.Contains($place['value'])) {
                continue
            }
            $thumbprint = ConvertTo-Thumbprint -Value $entry.Value[$place['value']]['value']
            if ($thumbprint) {
                $found[$thumbprint] = @(if ($found.ContainsKey($thumbprint)) { $found[$thumbprint] }) + "$($place['what']) ($($entry.Key))"
            }
        }
    }
    return $found
}

Function Select-Place {
    # Where to shake hands: the places asked for, and those that carry a certificate of one of the sites.
    param ([System.Collections.IDictionary]$Arguments, [System.Collections.IDictionary]$Certificates, [System.Collections.IDictionary]$Bindings)
    $hashes = @{}
    foreach ($entry in $Certificates.GetEnumerator()) {
        foreach ($prefix in @($Arguments['prefixes'])) {
            if ($entry.Value.Contains("`nname=$prefix")) {
                $hashes[([string]$entry.Key).Split('\')[1]] = $true
            }
        }
    }
    foreach ($thumbprint in @($Arguments['thumbprints'])) {
        $hashes[$thumbprint] = $true
    }
    $asked = @($Arguments['places'])
    $carrying = @(foreach ($entry in $Bindings.GetEnumerator()) {
            if ($entry.Value -match '(?m)^SslCertHash=Binary:(.*)$' -and $hashes.ContainsKey($Matches[1])) {
                [string]$entry.Key
            }
        })
    return $asked + $carrying | Select-Object -Unique
}

Function Get-Observation {
    param ([System.Collections.IDictionary]$Arguments)
    $certificates = Get-CertificateText -Store $stores
    $bindings = Get-Binding
    $chain = @{}
    foreach ($one in @($Arguments['chains'])) {
        $chain[$one['thumbprint']] = @(Get-ChainProblem -Leaf $one['leaf'] -Others @($one['others']))
    }
    $seen = @()
    if ($Arguments['prove']) {
        $places = @(Select-Place -Arguments $Arguments -Certificates $certificates -Bindings $bindings)
        $seen = @(foreach ($place in $places) { Get-Shown -Place $place })
    }
    return @{
        format = $format
        certificates = $certificates
        bindings = $bindings
        users = Get-User
        netsh = @(Get-NetshWord)
        chain = $chain
        seen = $seen
        iis = @(Get-IisBinding)
    }
}

Function Test-Guard {
    # Whether all that the plan relies on is as the controller saw it, and nobody has bound what is to leave.
    param ([System.Collections.IDictionary]$Guard)
    $certificates = Get-CertificateText -Store $stores
    $bindings = Get-Binding
    foreach ($entry in $Guard['certificates'].GetEnumerator()) {
        if (-not (Test-Same -One $certificates[$entry.Key] -Other $entry.Value)) {
            return $false
        }
    }
    foreach ($entry in $Guard['bindings'].GetEnumerator()) {
        if (-not (Test-Same -One $bindings[$entry.Key] -Other $entry.Value)) {
            return $false
        }
    }
    foreach ($entry in $bindings.GetEnumerator()) {
        foreach ($thumbprint in @($Guard['leaving'])) {
            if (-not $Guard['bindings'].Contains($entry.Key) -and ([string]$entry.Value).Contains("SslCertHash=Binary:$thumbprint")) {
                return $false
            }
        }
    }
    return $true
}

Function Invoke-CertificateOperation {
    # One operation. What 'remove' takes out is held until all has held.
    param ([System.Collections.IDictionary]$Operation, [System.Collections.IDictionary]$Arguments, [System.Collections.IDictionary]$Held)
    $id = [string]$Operation['id']
    switch ([string]$Operation['do']) {
        'import' { Import-Pair -Operation $Operation -Arguments $Arguments }
        'add' { Add-Certificate -Operation $Operation }
        'bind' { Set-Binding -Operation $Operation }
        'prove' { Wait-Shown -Operation $Operation }
        'remove' {
            foreach ($text in (Get-Binding).Values) {
                if ($text.Contains("SslCertHash=Binary:$($Operation['thumbprint'])")) {
                    throw 'somebody has bound it meanwhile'
                }
            }
            $Held[$id] = @(Remove-FromStore -Operation $Operation)
        }
        'restore' {
            if ($Held.ContainsKey($id)) {
                Restore-Certificate -Operation $Operation -Certificate $Held[$id]
                $Held.Remove($id)
            }
        }
        'withdraw' { Undo-Addition -Operation $Operation }
        default { throw "there is no operation '$($Operation['do'])'" }
    }
}

Function Invoke-CertificateStep {
    # One execution: carries out operations if there are any and the guard holds, then looks.
    param ([System.Collections.IDictionary]$Arguments)
    if ([string]$Arguments['format'] -ne [string]$format) {
        throw "the controller speaks format $($Arguments['format']), this script $format`: the collection was changed while it ran; run again"
    }
    $guarded = $true
    $failure = $null
    $applied = @()
    $left = @()
    $operations = @(if ($Arguments.Contains('operations')) { $Arguments['operations'] })
    if ($operations.Count -gt 0) {
        $step = Invoke-Alone -Block {
            $held = @{}
            $outcome = @{ guarded = (Test-Guard -Guard $Arguments['guard']); result = @{ applied = @(); failure = $null }; left = @() }
            if ($outcome['guarded']) {
                $outcome['result'] = Invoke-OperationList -UndoFailed -Operation $operations -Block {
                    param ($Operation)
                    Invoke-CertificateOperation -Operation $Operation -Arguments $Arguments -Held $held
                }
                if ($null -eq $outcome['result']['failure']) {
                    $outcome['left'] = @(Clear-Key -Held $held)
                }
            }
            $outcome
        }
        $guarded = $step['guarded']
        $failure = $step['result']['failure']
        $applied = $step['result']['applied']
        $left = $step['left']
    }
    $answer = Get-Observation -Arguments $Arguments
    $answer['changed'] = @($applied).Count -gt 0
    $answer['guarded'] = $guarded
    $answer['failure'] = $failure
    $answer['left'] = @($left)
    return $answer
}

Export-ModuleMember -Function Invoke-CertificateStep
