# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# Certificates in the stores of the machine: describes them, puts them in from memory, takes them out with their keys.
# The PFX and its password stay inside the dictionary of arguments: what is a parameter, module logging (event 4103)
# writes down.

#AnsibleRequires -PowerShell ._windows_certificate_host

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Function Test-Key {
    # Whether the private key can be used; .PrivateKey throws for keys of CNG in .NET Framework.
    param ($Certificate)
    if (-not $Certificate.HasPrivateKey) {
        return $false
    }
    try {
        if ($null -ne [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($Certificate)) {
            return $true
        }
        return $null -ne [System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($Certificate)
    }
    catch [System.Security.Cryptography.CryptographicException] {
        return $false
    }
}

Function Use-Store {
    # Runs a block with an open store, and closes it; nothing where there is no such store.
    param ([string]$Name, [scriptblock]$Block, [switch]$Write)
    $store = Open-Store -Name $Name -Write:$Write
    if ($null -eq $store) {
        if ($Write) {
            throw "this host has no store $Name"
        }
        return
    }
    try {
        & $Block $store
    }
    finally {
        $store.Close()
    }
}

Function Get-Certificate {
    param ([string]$Store)
    Use-Store -Name $Store -Block { param ($Open) $Open.Certificates }
}

Function ConvertTo-CertificateText {
    # One line a value, the name last, which may hold anything.
    param ($Certificate)
    $until = $Certificate.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [System.Globalization.CultureInfo]::InvariantCulture)
    return @(
        "key=$(Test-Key -Certificate $Certificate)"
        "until=$until"
        "issuer=$([System.Convert]::ToBase64String($Certificate.IssuerName.RawData))"
        "subject=$([System.Convert]::ToBase64String($Certificate.SubjectName.RawData))"
        "name=$(Get-CertificateName -Certificate $Certificate)"
    ) -join "`n"
}

Function Get-CertificateText {
    # The certificates of these stores, by their paths below Cert:\LocalMachine.
    param ([string[]]$Store)
    $found = New-Object System.Collections.Hashtable([System.StringComparer]::Ordinal)
    foreach ($name in $Store) {
        foreach ($one in @(Get-Certificate -Store $name)) {
            $found["$name\$($one.Thumbprint)"] = ConvertTo-CertificateText -Certificate $one
        }
    }
    return $found
}

Function Get-ChainProblem {
    # What Windows has against a chain, in words of X509ChainStatusFlags; nothing where it trusts it.
    param ([string]$Leaf, [object[]]$Others)
    $chain = New-Object System.Security.Cryptography.X509Certificates.X509Chain($true)
    try {
        $chain.ChainPolicy.RevocationMode = [System.Security.Cryptography.X509Certificates.X509RevocationMode]::NoCheck
        foreach ($one in $Others) {
            $null = $chain.ChainPolicy.ExtraStore.Add((ConvertTo-Certificate -Der $one))
        }
        if (-not $chain.Build((ConvertTo-Certificate -Der $Leaf))) {
            $chain.ChainStatus | ForEach-Object { [string]$_.Status }
        }
    }
    finally {
        $chain.Dispose()
    }
}

Function ConvertTo-Certificate {
    param ([string]$Der)
    return New-Object System.Security.Cryptography.X509Certificates.X509Certificate2 (, [System.Convert]::FromBase64String($Der))
}

Function Set-Name {
    param ([System.Collections.IDictionary]$Operation)
    Use-Store -Name $Operation['store'] -Write -Block {
        param ($Open)
        foreach ($one in $Open.Certificates) {
            if ($one.Thumbprint -eq $Operation['thumbprint']) {
                Set-CertificateName -Certificate $one -Name $Operation['name']
            }
        }
    }
}

Function Add-Certificate {
    param ([System.Collections.IDictionary]$Operation)
    $one = ConvertTo-Certificate -Der $Operation['der']
    Use-Store -Name $Operation['store'] -Write -Block { param ($Open) $Open.Add($one) }
    Set-Name -Operation $Operation
}

Function Import-Pair {
    # Certificate and key from memory: the key goes to the machine's own keys at Import, before any Add.
    param ([System.Collections.IDictionary]$Operation, [System.Collections.IDictionary]$Arguments)
    $flags = 'MachineKeySet, PersistKeySet'
    if ($Operation['exportable']) {
        $flags = "$flags, Exportable"
    }
    $pair = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2Collection
    $thumbprint = $Operation['thumbprint']
    $pair.Import([System.Convert]::FromBase64String($Arguments["pfx_$thumbprint"]), $Arguments["password_$thumbprint"], $flags)
    try {
        if ($pair.Count -ne 1 -or $pair[0].Thumbprint -ne $Operation['thumbprint'] -or -not (Test-Key -Certificate $pair[0])) {
            throw 'the host reads another certificate, or no key, from what was sent'
        }
        Use-Store -Name $Operation['store'] -Write -Block { param ($Open) $Open.Add($pair[0]) }
        Set-Name -Operation $Operation
        $there = @(Get-Certificate -Store $Operation['store'] | Where-Object { $_.Thumbprint -eq $Operation['thumbprint'] })
        if ($there.Count -ne 1 -or -not (Test-Key -Certificate $there[0])) {
            throw 'the store has not kept the certificate with its key'
        }
    }
    catch {
        foreach ($one in $pair) {
            Remove-Key -Certificate $one
        }
        throw
    }
}

Function Remove-FromStore {
    # Takes a certificate out of its store and hands it back; its key is still there.
    param ([System.Collections.IDictionary]$Operation)
    Use-Store -Name $Operation['store'] -Write -Block {
        param ($Open)
        foreach ($one in @($Open.Certificates)) {
            if ($one.Thumbprint -eq $Operation['thumbprint']) {
                $Open.Remove($one)
                $one
            }
        }
    }
}

Function Undo-Addition {
    # Takes out what an operation put in, its key included; nothing where it did not come so far.
    param ([System.Collections.IDictionary]$Operation)
    $there = @(Get-Certificate -Store $Operation['store'] | Where-Object { $_.Thumbprint -eq $Operation['thumbprint'] })
    if ($there.Count -eq 0) {
        return
    }
    foreach ($one in @(Remove-FromStore -Operation $Operation)) {
        if (Test-Key -Certificate $one) {
            Remove-Key -Certificate $one
        }
    }
}

Function Restore-Certificate {
    # Puts back what was taken out; the object still holds its key.
    param ([System.Collections.IDictionary]$Operation, [object[]]$Certificate)
    foreach ($one in $Certificate) {
        Use-Store -Name $Operation['store'] -Write -Block { param ($Open) $Open.Add($one) }
    }
}

Function Clear-Key {
    # Deletes the keys of what was taken out, once all else has held: no undo brings a key back. One that another
    # certificate has as well stays. Returns what stays, in words.
    param ([System.Collections.IDictionary]$Held)
    foreach ($entry in $Held.GetEnumerator()) {
        foreach ($one in @($entry.Value)) {
            $others = @(@(foreach ($name in 'My', 'WebHosting') { Get-Certificate -Store $name }) | Where-Object { $_.GetPublicKeyString() -eq $one.GetPublicKeyString() })
            if ($others.Count -gt 0) {
                "$($entry.Key) is removed; its key stays, as another certificate has the same"
            }
            elseif (Test-Key -Certificate $one) {
                try {
                    Remove-Key -Certificate $one
                }
                catch {
                    "$($entry.Key) is removed; its key is not: $($_.Exception.GetBaseException().Message)"
                }
            }
        }
    }
}

Export-ModuleMember -Function Get-CertificateText, Get-ChainProblem, Import-Pair, Add-Certificate, Remove-FromStore, Undo-Addition, Restore-Certificate, Clear-Key
