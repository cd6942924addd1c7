# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# What of certificates and bindings only Windows can do: registry, stores of the machine, netsh, key containers, and the
# configuration of IIS. No other system can run these lines, so they decide nothing.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Function Get-SubKey {
    # All subkeys of a key of HKLM, each with its values and their types; empty where there is no such key.
    param ([string]$Path)
    $found = @{}
    $base = [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', 'Registry64')
    try {
        $key = $base.OpenSubKey($Path)
        if ($null -ne $key) {
            foreach ($name in $key.GetSubKeyNames()) {
                $sub = $key.OpenSubKey($name)
                if ($null -eq $sub) {
                    # Gone since it was listed.
                    continue
                }
                $values = @{}
                foreach ($value in $sub.GetValueNames()) {
                    $values[$value] = @{ type = [string]$sub.GetValueKind($value); value = $sub.GetValue($value, $null, 'DoNotExpandEnvironmentNames') }
                }
                $sub.Dispose()
                $found[$name] = $values
            }
            $key.Dispose()
        }
    }
    finally {
        $base.Dispose()
    }
    return $found
}

Function Open-Store {
    # A store of the machine, which is never made; WebHosting is there where IIS is. $null where there is no such store.
    param ([string]$Name, [switch]$Write)
    $store = New-Object System.Security.Cryptography.X509Certificates.X509Store($Name, [System.Security.Cryptography.X509Certificates.StoreLocation]::LocalMachine)
    $flags = [System.Security.Cryptography.X509Certificates.OpenFlags]::OpenExistingOnly
    if ($Write) {
        $flags = $flags -bor [System.Security.Cryptography.X509Certificates.OpenFlags]::ReadWrite
    }
    try {
        $store.Open($flags)
    }
    catch [System.Security.Cryptography.CryptographicException] {
        # ERROR_FILE_NOT_FOUND, as a bare number or as an HRESULT
        if (@(2, -2147024894) -contains $_.Exception.GetBaseException().HResult) {
            return $null
        }
        throw
    }
    return $store
}

Function Get-CertificateName {
    param ($Certificate)
    return [string]$Certificate.FriendlyName
}

Function Set-CertificateName {
    # On the object that an open store handed out: only there it is kept.
    param ($Certificate, [string]$Name)
    $Certificate.FriendlyName = $Name
}

Function Invoke-Netsh {
    param ([string[]]$Arguments)
    $lines = & "$env:SystemRoot\System32\netsh.exe" @Arguments
    return @{ code = [int]$LASTEXITCODE; text = (@($lines) -join ' ').Trim() }
}

Function Remove-Key {
    # The container of a certificate's key, of CNG or of the older kind.
    param ($Certificate)
    $key = [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($Certificate)
    if ($null -eq $key) {
        $key = [System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($Certificate)
    }
    if ($null -eq $key) {
        return
    }
    if ($key -is [System.Security.Cryptography.RSACryptoServiceProvider]) {
        $key.PersistKeyInCsp = $false
        $key.Clear()
    }
    else {
        $key.Key.Delete()
    }
}

Function Get-IisBinding {
    # The https bindings that IIS is configured with; none where IIS is not. Nothing else of the file is sent.
    $path = "$env:SystemRoot\System32\inetsrv\config\applicationHost.config"
    if (-not [System.IO.File]::Exists($path)) {
        return
    }
    $file = New-Object System.Xml.XmlDocument
    $file.Load($path)
    foreach ($site in $file.SelectNodes('/configuration/system.applicationHost/sites/site')) {
        foreach ($one in $site.SelectNodes('bindings/binding[@protocol="https"]')) {
            @{
                site = $site.GetAttribute('name')
                information = $one.GetAttribute('bindingInformation')
                flags = $one.GetAttribute('sslFlags')
                thumbprint = $one.GetAttribute('certificateHash')
                store = $one.GetAttribute('certificateStoreName')
            }
        }
    }
}

Export-ModuleMember -Function Get-SubKey, Open-Store, Get-CertificateName, Set-CertificateName, Invoke-Netsh, Remove-Key, Get-IisBinding
