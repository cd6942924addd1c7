# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# Reads the bindings of http.sys from the registry, which no language changes, and makes them with netsh. What netsh
# says and how it ends is no answer: it ends with 0 where it does not know a word. The registry afterwards is one.

#AnsibleRequires -PowerShell ._windows_certificate_host

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$parameters = 'SYSTEM\CurrentControlSet\Services\HTTP\Parameters'
$tables = @{ ipport = 'SslBindingInfo'; hostnameport = 'SslSniBindingInfo'; ccs = 'SslCcsBindingInfo' }

Function Test-Same {
    # Whether two texts are the same; [string]::Equals takes $null for ''.
    param ([object]$One, [object]$Other)
    if ($null -eq $One -or $null -eq $Other) {
        return ($null -eq $One -and $null -eq $Other)
    }
    return [string]::Equals([string]$One, [string]$Other, [System.StringComparison]::Ordinal)
}

Function ConvertTo-BindingText {
    # One line a value in a fixed order; what has its default is left out, so that absent and 0 are the same.
    param ([System.Collections.IDictionary]$Value)
    $lines = New-Object 'System.Collections.Generic.List[string]'
    # Not .Keys: a value of that name would be taken for it.
    foreach ($entry in $Value.GetEnumerator()) {
        $name = [string]$entry.Key
        $kind = [string]$entry.Value['type']
        $text = [string]$entry.Value['value']
        if ($kind -eq 'Binary') {
            $text = [System.BitConverter]::ToString([byte[]]$entry.Value['value']).Replace('-', '')
        }
        $default = $name -eq 'HostnamePort' -or ($kind -eq 'DWord' -and $text -eq '0') -or ($kind -eq 'String' -and $text -eq '')
        if (-not $default -and -not ($name -eq 'SslCertStoreName' -and $text -eq 'MY')) {
            $lines.Add("$name=${kind}:$text")
        }
    }
    $lines.Sort([System.StringComparer]::Ordinal)
    return $lines -join "`n"
}

Function Get-Binding {
    # All bindings by netsh's own word for the place.
    $found = New-Object System.Collections.Hashtable([System.StringComparer]::Ordinal)
    foreach ($table in $tables.GetEnumerator()) {
        foreach ($entry in (Get-SubKey -Path "$parameters\$($table.Value)").GetEnumerator()) {
            $place = [string]$entry.Key
            if ($entry.Value.Contains('HostnamePort')) {
                # The key's own name may be a GUID.
                $place = [string]$entry.Value['HostnamePort']['value']
            }
            $found["$($table.Key)=$($place.ToLowerInvariant())"] = ConvertTo-BindingText -Value $entry.Value
        }
    }
    return $found
}

Function Get-OneBinding {
    param ([string]$Place)
    $all = Get-Binding
    if ($all.ContainsKey($Place)) {
        return $all[$Place]
    }
}

Function Get-NetshWord {
    # The words that this host's netsh knows for a binding; they are not translated.
    $help = (Invoke-Netsh -Arguments @('http', 'add', 'sslcert', 'help'))['text']
    [regex]::Matches($help, '([a-z][a-z0-9]+)=') | ForEach-Object { $_.Groups[1].Value } | Sort-Object -Unique
}

Function Set-Binding {
    # Makes a binding what it is wanted to be, with update where this netsh has that, else by delete and add.
    param ([System.Collections.IDictionary]$Operation)
    $place = [string]$Operation['id']
    $want = $Operation['want']
    $now = Get-OneBinding -Place $place
    if (Test-Same -One $now -Other $want) {
        return
    }
    $told = @{ code = 0; text = '' }
    if ($null -ne $now -and $null -ne $want) {
        $told = Invoke-Netsh -Arguments (@('http', 'update', 'sslcert') + @($Operation['words']))
        $now = Get-OneBinding -Place $place
        if (Test-Same -One $now -Other $want) {
            return
        }
    }
    if ($null -ne $now) {
        # There is no update here, or it did something else.
        $told = Invoke-Netsh -Arguments @('http', 'delete', 'sslcert', $place)
        if ($null -ne (Get-OneBinding -Place $place)) {
            throw "netsh left $place where it is ($($told['code'])): $($told['text'])"
        }
    }
    if ($null -eq $want) {
        return
    }
    foreach ($pause in 0, 500, 1500) {
        # Right after a delete http.sys may refuse for a moment.
        Start-Sleep -Milliseconds $pause
        $told = Invoke-Netsh -Arguments (@('http', 'add', 'sslcert') + @($Operation['words']))
        $now = Get-OneBinding -Place $place
        if (Test-Same -One $now -Other $want) {
            return
        }
        if ($null -ne $now) {
            break
        }
    }
    throw "netsh did not make the binding $place ($($told['code'])): $($told['text'])"
}

Export-ModuleMember -Function Test-Same, Get-Binding, Get-NetshWord, Set-Binding
