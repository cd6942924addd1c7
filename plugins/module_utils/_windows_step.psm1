# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# What the scripts for Windows share: one answer as JSON, one run at a time, and operations of which all are done or
# none. Decides nothing.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Function Get-Failure {
    # An error as data; the number and the words are those of the deepest cause, since PowerShell wraps what .NET threw.
    # Of a cmdlet of CIM it is the id that has the system's number: "Windows System Error 5,New-NetFirewallRule".
    param ([System.Management.Automation.ErrorRecord]$ErrorRecord)
    $cause = $ErrorRecord.Exception
    while ($null -ne $cause.InnerException) {
        $cause = $cause.InnerException
    }
    return @{
        category = [string]$ErrorRecord.CategoryInfo.Category
        hresult = [int]$cause.HResult
        error_id = [string]$ErrorRecord.FullyQualifiedErrorId
        message = ([string]$cause.Message).Trim()
    }
}

Function ConvertTo-Packed {
    # A value as base64 of gzip of JSON.
    param ([object]$Value)
    $text = [System.Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject $Value -Compress -Depth 9))
    $memory = New-Object System.IO.MemoryStream
    $zip = New-Object System.IO.Compression.GZipStream($memory, [System.IO.Compression.CompressionMode]::Compress)
    $zip.Write($text, 0, $text.Length)
    $zip.Dispose()
    return [System.Convert]::ToBase64String($memory.ToArray())
}

Function Invoke-Alone {
    # Runs a block while no other run of this collection changes this host.
    param ([scriptblock]$Block, [int]$Milliseconds = 60000)
    $mutex = New-Object System.Threading.Mutex($false, 'Global\port443-https')
    try {
        try {
            $held = $mutex.WaitOne($Milliseconds)
        }
        catch [System.Threading.AbandonedMutexException] {
            # The run that held it died: it is ours now, and what it left is seen by the guard.
            $held = $true
        }
        if (-not $held) {
            throw "another run of this collection has been changing this host for $($Milliseconds / 1000) s; run again when it has ended"
        }
        try {
            & $Block
        }
        finally {
            $mutex.ReleaseMutex()
        }
    }
    finally {
        $mutex.Dispose()
    }
}

Function Invoke-OperationList {
    # Carries out operations in order. At the first that fails, those before it are undone, the last one first; with
    # UndoFailed that one as well, as it may have been half done. Each has its own way back in 'undo'.
    param ([object[]]$Operation, [scriptblock]$Block, [switch]$UndoFailed)
    $done = New-Object System.Collections.ArrayList
    $failure = $null
    foreach ($one in $Operation) {
        try {
            if ($UndoFailed) {
                $null = $done.Add($one)
            }
            $null = & $Block $one
            if (-not $UndoFailed) {
                $null = $done.Add($one)
            }
        }
        catch {
            $failure = Get-Failure -ErrorRecord $_
            $failure['do'] = [string]$one['do']
            $failure['id'] = [string]$one['id']
            break
        }
    }
    $applied = @($done | ForEach-Object { [string]$_['id'] })
    if ($null -ne $failure) {
        $left = New-Object System.Collections.ArrayList
        $done.Reverse()
        foreach ($one in $done) {
            $ways = @(if ($one.Contains('undo')) { $one['undo'] })
            foreach ($way in $ways) {
                try {
                    $null = & $Block $way
                }
                catch {
                    $problem = Get-Failure -ErrorRecord $_
                    $null = $left.Add("$($way['do']) $($way['id']): $($problem['message'])")
                }
            }
        }
        $failure['not_undone'] = $left.ToArray()
        $applied = @()
    }
    return @{ applied = [object[]]$applied; failure = $failure }
}

Function Write-Answer {
    # Runs a block and writes what it returns, one dictionary, as the module's answer; an error is an answer as well.
    param ([scriptblock]$Block)
    # With this type data, as some programs register it, 5.1 writes an array as an object with value and Count.
    Remove-TypeData -TypeName System.Array -ErrorAction SilentlyContinue
    try {
        $answer = & $Block
    }
    catch {
        $failure = Get-Failure -ErrorRecord $_
        $answer = @{ failed = $true; changed = $false; msg = $failure['message']; failure = $failure }
    }
    ConvertTo-Json -InputObject $answer -Depth 9 -Compress
}

Export-ModuleMember -Function Get-Failure, ConvertTo-Packed, Invoke-Alone, Invoke-OperationList, Write-Answer
