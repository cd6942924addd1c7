# Plays what of certificates only Windows can do; nothing real has confirmed it. Stores are those of a user in the HOME of
# the test; friendly names, the registry of http.sys, netsh and IIS are a file, $env:PORT443_PLAYED.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$classic = 'certhash appid certstorename verifyclientcertrevocation verifyrevocationwithcachedclientcertonly usagecheck revocationfreshnesstime urlretrievaltimeout sslctlidentifier sslctlstorename dsmapperusage clientcertnegotiation' -split ' '
$bits = @{ dsmapperusage = 1; clientcertnegotiation = 2; reject = 8; disablehttp2 = 16; disablequic = 32; disabletls13 = 64; disableocspstapling = 128; enabletokenbinding = 256; logextendedevents = 512; disablelegacytls = 1024; enablesessionticket = 2048; disabletls12 = 4096; disablesessionid = 16384 }
# The words of 'netsh http add sslcert' by version; an older one ends with 0 where it meets a younger word.
$since = @{ '2016' = $classic; '2019' = $classic + @('reject', 'disablehttp2', 'disablequic', 'disablelegacytls', 'disabletls12', 'disabletls13', 'disableocspstapling'); '2025' = $classic + @($bits.Keys) }
$checks = @{ verifyclientcertrevocation = @(1, 'disable'); verifyrevocationwithcachedclientcertonly = @(2, 'enable'); usagecheck = @(65536, 'disable') }

Function Read-State { [System.IO.File]::ReadAllText($env:PORT443_PLAYED) | ConvertFrom-Json -AsHashtable }
Function Write-State {
    # By rename, as the played listener reads it at any time.
    param ($State)
    [System.IO.File]::WriteAllText("$env:PORT443_PLAYED.new", (ConvertTo-Json -InputObject $State -Depth 9))
    [System.IO.File]::Move("$env:PORT443_PLAYED.new", $env:PORT443_PLAYED, $true)
}

$begin = Read-State
$begin['runs'] = 1 + [int]$begin['runs']
Write-State $begin

Function Get-SubKey {
    param ([string]$Path)
    $state = Read-State
    $found = @{}
    $table = ($Path -split '\\')[-1]
    if ($state['denied']) { throw [System.UnauthorizedAccessException]::new('Requested registry access is not allowed.') }
    if (-not $state.registry.ContainsKey($table)) { return $found }
    foreach ($key in $state.registry[$table].Keys) {
        $found[$key] = @{}
        foreach ($entry in $state.registry[$table][$key].GetEnumerator()) {
            $kind, $value = $entry.Value
            switch ($kind) {
                'Binary' { $value = [System.Convert]::FromHexString($value) }
                'DWord' { $value = [System.BitConverter]::ToInt32([System.BitConverter]::GetBytes([uint32]$value), 0) }
            }
            $found[$key][$entry.Key] = @{ type = $kind; value = $value }
        }
    }
    return $found
}

Function Open-Store {
    param ([string]$Name, [switch]$Write)
    if ($Name -eq 'WebHosting' -and -not (Read-State)['web_hosting']) { return $null }
    $store = [System.Security.Cryptography.X509Certificates.X509Store]::new($Name, [System.Security.Cryptography.X509Certificates.StoreLocation]::CurrentUser)
    $store.Open($(if ($Write) { 'ReadWrite' } else { 'ReadOnly' }))
    return $store
}

Function Get-CertificateName {
    param ($Certificate)
    return [string](Read-State).names[$Certificate.Thumbprint]
}

Function Set-CertificateName {
    param ($Certificate, [string]$Name)
    $state = Read-State
    if ($Name) { $state.names[$Certificate.Thumbprint] = $Name } else { $state.names.Remove($Certificate.Thumbprint) }
    Write-State $state
}

Function Remove-Key {
    param ($Certificate)
    $state = Read-State
    $state.keys_deleted = @($state.keys_deleted) + $Certificate.Thumbprint
    Write-State $state
}

Function Get-IisBinding {
    # The last thing that an observation looks at: then somebody else changes bindings, if the test has such a one.
    $state = Read-State
    $iis = @($state['iis'] | Where-Object { $null -ne $_ })
    if (@($state['race']).Count -gt 0 -and $null -ne $state['race']) {
        $now, $rest = $state['race']
        $state['race'] = @($rest | Where-Object { $null -ne $_ })
        foreach ($table in $now.Keys) { foreach ($key in $now[$table].Keys) { $state.registry[$table][$key] = $now[$table][$key] } }
        Write-State $state
    }
    return $iis
}

Function Test-Bindable {
    param ([string]$Store, [string]$Thumbprint)
    $open = Open-Store -Name $Store
    if ($null -eq $open) { return $false }
    try { return @($open.Certificates | Where-Object { $_.Thumbprint -eq $Thumbprint -and $_.HasPrivateKey }).Count -eq 1 } finally { $open.Close() }
}

Function New-Answer {
    # What netsh says and ends with, in the language of the host.
    param ([int]$Code, [int]$Number, [string]$English, [string]$German)
    $german_host = (Read-State)['language'] -eq 'de'
    $text = if ($german_host) { $German } else { $English }
    if ($Number) { $text = if ($german_host) { "SSL-Zertifikat: Fehler: $Number $German" } else { "SSL Certificate operation failed, Error: $Number $English" } }
    return @{ code = $Code; text = $text }
}

Function Get-Fault {
    # What the test wants to go wrong here: how, and once or always.
    param ($State, [string]$Place, [string]$Verb, [System.Collections.IDictionary]$Given)
    $fault = $State['netsh_fails'][$Place]
    if ($null -eq $fault -or $Verb -eq 'delete' -or $Given['certhash'] -ne $fault['certhash']) { return '' }
    if ($fault['how'] -eq 'once') {
        if ($Verb -ne 'add') { return '' }
        $State['netsh_fails'].Remove($Place)
        Write-State $State
    }
    return $fault['how']
}

Function Set-Value {
    # Writes what netsh was given into the values of a binding, as http.sys keeps them.
    param ([System.Collections.IDictionary]$Values, [System.Collections.IDictionary]$Given)
    foreach ($name in $Given.Keys) {
        if ($bits.ContainsKey($name)) {
            $now = [int]$Values.DefaultFlags[1]
            $Values.DefaultFlags = @('DWord', $(if ($Given[$name] -eq 'enable') { $now -bor $bits[$name] } else { $now -band -bnot $bits[$name] }))
        }
        if ($checks.ContainsKey($name)) {
            $bit, $word = $checks[$name]
            $now = [int]$Values.DefaultSslCertCheckMode[1]
            $Values.DefaultSslCertCheckMode = @('DWord', $(if ($Given[$name] -eq $word) { $now -bor $bit } else { $now -band -bnot $bit }))
        }
        switch ($name) {
            'revocationfreshnesstime' {
                $Values.DefaultSslRevocationFreshnessTime = @('DWord', [long]$Given[$name])
                $Values.DefaultSslCertCheckMode = @('DWord', ([int]$Values.DefaultSslCertCheckMode[1] -bor 4))
            }
            'urlretrievaltimeout' { $Values.DefaultSslRevocationUrlRetrievalTimeout = @('DWord', [long]$Given[$name]) }
            'sslctlidentifier' { $Values.DefaultSslCtlIdentifier = @('String', $Given[$name]) }
            'sslctlstorename' { $Values.DefaultSslCtlStoreName = @('String', $Given[$name]) }
        }
    }
}

Function Invoke-Netsh {
    param ([string[]]$Arguments)
    $state = Read-State
    $known = $since[$state.windows]
    if ($Arguments[3] -eq 'help') {
        $usage = if ($state.language -eq 'de') { 'Syntax' } else { 'Usage' }
        return @{ code = 1; text = "${usage}: add sslcert hostnameport=<name:port> | ipport=<ipaddr:port> | ccs=<port> " + (@($known | ForEach-Object { "[$_=<string>]" }) -join ' ') }
    }
    $state.netsh_log = @($state.netsh_log) + ($Arguments -join ' ')
    Write-State $state
    $verb, $id = $Arguments[1], $Arguments[3]
    $word, $place = $id -split '=', 2
    $table = @{ ipport = 'SslBindingInfo'; hostnameport = 'SslSniBindingInfo'; ccs = 'SslCcsBindingInfo' }[$word]
    if ($verb -eq 'update' -and $state.windows -eq '2016') { return New-Answer 1 0 "The following command was not found: $Arguments." "Der folgende Befehl wurde nicht gefunden: $Arguments." }
    $given = @{}
    foreach ($pair in @($Arguments | Select-Object -Skip 4)) { $name, $value = $pair -split '=', 2; $given[$name] = $value }
    if (@($given.Keys | Where-Object { $known -notcontains $_ }).Count) { return New-Answer 0 0 "Usage: $verb sslcert ..." "Syntax: $verb sslcert ..." }
    switch (Get-Fault -State $state -Place $id -Verb $verb -Given $given) {
        'lie' { return New-Answer 0 0 'SSL Certificate successfully added' 'SSL-Zertifikat wurde erfolgreich hinzugefuegt.' }
        'error' { return New-Answer 1 5 'Access is denied.' 'Zugriff verweigert' }
        'once' { return New-Answer 1 87 'The parameter is incorrect.' 'Falscher Parameter.' }
        'half' { $given.Remove('clientcertnegotiation') }
    }
    if (-not $state.registry.ContainsKey($table)) { $state.registry[$table] = @{} }
    $rows = $state.registry[$table]
    $key = @($rows.Keys | Where-Object { $_ -eq $place -or ($rows[$_].ContainsKey('HostnamePort') -and $rows[$_].HostnamePort[1] -eq $place) })
    if ($verb -eq 'add' -and $key.Count) { return New-Answer 1 183 'Cannot create a file when that file already exists.' 'Eine Datei kann nicht erstellt werden, wenn sie bereits vorhanden ist.' }
    if ($verb -ne 'add' -and -not $key.Count) { return New-Answer 1 2 'The system cannot find the file specified.' 'Das System kann die angegebene Datei nicht finden.' }
    if ($verb -eq 'delete') {
        $rows.Remove($key[0])
        Write-State $state
        return New-Answer 0 0 'SSL Certificate successfully deleted' 'SSL-Zertifikat wurde erfolgreich entfernt.'
    }
    $guid = [guid]::Empty
    $zero = @('revocationfreshnesstime', 'urlretrievaltimeout' | Where-Object { $given[$_] -eq '0' })
    if ($zero.Count -or $given['certhash'] -notmatch '^[0-9A-Fa-f]{40}$' -or -not [guid]::TryParseExact($given['appid'], 'B', [ref]$guid) -or ($word -eq 'hostnameport' -and -not $given['certstorename'])) { return New-Answer 1 87 'The parameter is incorrect.' 'Falscher Parameter.' }
    $store = if ($given['certstorename']) { $given['certstorename'] } else { 'MY' }
    if (-not (Test-Bindable -Store $store -Thumbprint $given['certhash'])) { return New-Answer 1 1312 'A specified logon session does not exist. It may already have been terminated.' 'Eine angegebene Anmeldesitzung ist nicht vorhanden.' }
    $values = if ($key.Count -and $state.update_keeps) { $rows[$key[0]] } else { @{ DefaultFlags = @('DWord', 0); DefaultSslCertCheckMode = @('DWord', 0); DefaultSslRevocationFreshnessTime = @('DWord', 0); DefaultSslRevocationUrlRetrievalTimeout = @('DWord', 0); DefaultSslCtlIdentifier = @('String', ''); DefaultSslCtlStoreName = @('String', '') } }
    $values.SslCertHash = @('Binary', $given['certhash'].ToUpperInvariant())
    $values.AppId = @('Binary', [System.Convert]::ToHexString($guid.ToByteArray()))
    $values.SslCertStoreName = @('String', $store)
    if ($word -eq 'hostnameport') { $values.HostnamePort = @('String', $place) }
    Set-Value -Values $values -Given $given
    $name = if ($key.Count) { $key[0] } elseif ($word -eq 'hostnameport') { "{$([guid]::NewGuid())}" } else { $place }
    $rows[$name] = $values
    Write-State $state
    return New-Answer 0 0 'SSL Certificate successfully added' 'SSL-Zertifikat wurde erfolgreich hinzugefuegt.'
}

Export-ModuleMember -Function Get-SubKey, Open-Store, Get-CertificateName, Set-CertificateName, Remove-Key, Invoke-Netsh, Get-IisBinding
