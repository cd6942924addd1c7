# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# Shakes hands with this host's own places of http.sys and says which certificate is shown there. Trusts nobody and
# sends nothing.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Function ConvertTo-Endpoint {
    # Where to ask for a place in netsh's word: loopback for all addresses, and for a name.
    param ([string]$Place)
    $word, $rest = $Place -split '=', 2
    $at = $rest.LastIndexOf(':')
    $target = $rest.Substring(0, $at).Trim([char[]]'[]')
    $port = [int]$rest.Substring($at + 1)
    if ($word -eq 'hostnameport') {
        return @{ addresses = @('127.0.0.1', '::1'); port = $port; name = $target }
    }
    $loopback = @{ '0.0.0.0' = '127.0.0.1'; '::' = '::1' }
    if ($loopback.ContainsKey($target)) {
        $target = $loopback[$target]
    }
    return @{ addresses = @($target); port = $port; name = '' }
}

Function Test-Listener {
    # Whether anybody listens where a connection to this address arrives: Windows takes seconds to refuse one.
    param ([System.Net.IPAddress]$Address, [int]$Port)
    foreach ($one in [System.Net.NetworkInformation.IPGlobalProperties]::GetIPGlobalProperties().GetActiveTcpListeners()) {
        $any = $one.Address.Equals([System.Net.IPAddress]::Any) -or $one.Address.Equals([System.Net.IPAddress]::IPv6Any)
        if ($one.Port -eq $Port -and ($any -or $one.Address.Equals($Address))) {
            return $true
        }
    }
    return $false
}

Function Get-Cause {
    # The words of what a method threw: PowerShell and tasks wrap it.
    param ([System.Exception]$Exception)
    return ([string]$Exception.GetBaseException().Message).Trim()
}

Function Read-Certificate {
    # One connection and one handshake; the certificate in DER, or the reason why there is none.
    param ([System.Net.IPAddress]$Address, [int]$Port, [string]$Name, [string]$Protocol, [int]$Milliseconds)
    $client = New-Object System.Net.Sockets.TcpClient($Address.AddressFamily)
    try {
        if (-not $client.ConnectAsync($Address, $Port).Wait($Milliseconds)) {
            return @{ listens = $false; problem = 'the connection timed out' }
        }
    }
    catch {
        $client.Close()
        return @{ listens = $false; problem = Get-Cause -Exception $_.Exception }
    }
    try {
        $client.ReceiveTimeout = $Milliseconds
        $client.SendTimeout = $Milliseconds
        $accept = [System.Net.Security.RemoteCertificateValidationCallback] { $true }
        $tls = New-Object System.Net.Security.SslStream($client.GetStream(), $false, $accept)
        # For an address no server name is sent (RFC 6066, 3), so that a binding by address answers.
        $target = $Name
        if (-not $target) {
            $target = [string]$Address
        }
        $tls.AuthenticateAsClient($target, $null, [System.Security.Authentication.SslProtocols]$Protocol, $false)
        return @{ listens = $true; problem = ''; der = $tls.RemoteCertificate.GetRawCertData() }
    }
    catch {
        return @{ listens = $true; problem = Get-Cause -Exception $_.Exception }
    }
    finally {
        $client.Close()
    }
}

Function Get-Digest {
    param ([string]$Algorithm, [byte[]]$Content)
    $hash = [System.Security.Cryptography.HashAlgorithm]::Create($Algorithm)
    try {
        return [System.BitConverter]::ToString($hash.ComputeHash($Content)).Replace('-', '')
    }
    finally {
        $hash.Dispose()
    }
}

Function Get-Shown {
    # What is shown at a place: TLS 1.2 first, which every host has, then 1.3 where this one knows it.
    param ([string]$Place, [int]$Milliseconds = 3000)
    $endpoint = ConvertTo-Endpoint -Place $Place
    $address = [System.Net.IPAddress]$endpoint['addresses'][0]
    foreach ($one in $endpoint['addresses']) {
        if (Test-Listener -Address $one -Port $endpoint['port']) {
            $address = [System.Net.IPAddress]$one
            break
        }
    }
    $shown = @{ listens = $false; problem = 'nothing listens' }
    if (Test-Listener -Address $address -Port $endpoint['port']) {
        foreach ($protocol in 'Tls12', 'Tls13') {
            if (-not [System.Enum]::IsDefined([System.Security.Authentication.SslProtocols], $protocol)) {
                continue
            }
            $next = Read-Certificate -Address $address -Port $endpoint['port'] -Name $endpoint['name'] -Protocol $protocol -Milliseconds $Milliseconds
            if ($protocol -eq 'Tls12' -or $next.Contains('der')) {
                $shown = $next
            }
            if ($shown.Contains('der') -or -not $shown['listens']) {
                break
            }
        }
    }
    $answer = @{
        place = $Place
        address = [string]$address
        port = $endpoint['port']
        server_name = $endpoint['name']
        listens = $shown['listens']
        problem = $shown['problem']
        thumbprint = ''
        fingerprint = ''
    }
    if ($shown.Contains('der')) {
        $answer['thumbprint'] = Get-Digest -Algorithm 'SHA1' -Content $shown['der']
        $answer['fingerprint'] = (Get-Digest -Algorithm 'SHA256' -Content $shown['der']).ToLowerInvariant()
    }
    return $answer
}

Function Wait-Shown {
    # Asks until a place shows one of these thumbprints; '' stands for nobody who listens. Throws when the time is over.
    param ([System.Collections.IDictionary]$Operation)
    $accepted = @($Operation['thumbprint']) + @($Operation['accept'])
    $until = [System.DateTime]::UtcNow.AddSeconds([int]$Operation['seconds'])
    while ($true) {
        $shown = Get-Shown -Place ([string]$Operation['id'])
        if ($shown['thumbprint'] -or -not $shown['listens']) {
            if ($accepted -ccontains $shown['thumbprint']) {
                return
            }
        }
        if ([System.DateTime]::UtcNow -gt $until) {
            break
        }
        Start-Sleep -Milliseconds 300
    }
    $instead = $shown['problem']
    if ($shown['thumbprint']) {
        $instead = "the certificate $($shown['thumbprint']) is shown"
    }
    throw "at $($shown['address']), port $($shown['port']), not the new certificate, but: $instead"
}

Export-ModuleMember -Function Get-Shown, Wait-Shown
