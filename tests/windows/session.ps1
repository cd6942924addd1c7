# Runs the scripts for Windows in one PowerShell: a request a line, an answer a line. The arguments become what Ansible's
# wrapper makes of them: dictionaries and arrays.
param ([string]$Utilities, [string]$Names)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Function Convert-JsonObject {
    param ([object]$Value)
    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $table = @{}
        foreach ($property in $Value.PSObject.Properties) { $table[$property.Name] = Convert-JsonObject $property.Value }
        return $table
    }
    if ($Value -is [array]) { return , @($Value | ForEach-Object { Convert-JsonObject $_ }) }
    return $Value
}

# What tests ask for beside the functions of the modules.
Function Invoke-Late {
    # A run beside one that holds the mutex for good; another thread, since a mutex is its thread's.
    param ([System.Collections.IDictionary]$Arguments)
    $holder = [powershell]::Create().AddScript("`$m = [System.Threading.Mutex]::new(`$false, 'Global\port443-https'); `$null = `$m.WaitOne(9999); Start-Sleep 2; `$m.ReleaseMutex()")
    $held = $holder.BeginInvoke()
    Start-Sleep -Milliseconds 500
    try { Invoke-Alone -Milliseconds 200 -Block { @{ ran = $true } } }
    finally { $null = $holder.EndInvoke($held) }
}
Function Invoke-Typed {
    # A line as a person types it, and what is said of it.
    param ([System.Collections.IDictionary]$Arguments)
    try { $null = & ([scriptblock]::Create($Arguments.command)) } catch { return @{ said = "$_ $($_.FullyQualifiedErrorId)" } }
    @{ said = '' }
}
Function Get-PlayedSet {
    param ([System.Collections.IDictionary]$Arguments)
    $common = [System.Management.Automation.PSCmdlet]::CommonParameters
    $sets = @{}
    foreach ($set in (Get-Command $Arguments.name).ParameterSets) {
        $sets[$set.Name] = @{}
        foreach ($one in $set.Parameters | Where-Object { $_.Name -notin $common }) {
            $type = $one.ParameterType.Name -replace '^Object', 'CimInstance' -replace '^SwitchParameter', 'switch'
            $sets[$set.Name][$one.Name] = @($type, $one.IsMandatory)
        }
    }
    $sets
}

$loaded = $false
while ($null -ne ($line = [System.Console]::In.ReadLine())) {
    $request = ConvertFrom-Json -InputObject $line -DateKind String
    foreach ($property in $request.environment.PSObject.Properties) { [System.Environment]::SetEnvironmentVariable($property.Name, $property.Value) }
    try { $culture = [System.Globalization.CultureInfo]::new([string]$request.culture) }
    catch {
        $told = "the culture $($request.culture) needs ICU: libicu72 of Debian 12, libicu76 of 13"
        [System.Console]::Out.WriteLine((ConvertTo-Json -Compress @{ failed = $true; msg = $told }))
        continue
    }
    [System.Threading.Thread]::CurrentThread.CurrentCulture = $culture
    [System.Threading.Thread]::CurrentThread.CurrentUICulture = $culture
    if (-not $loaded) {
        foreach ($name in $Names -split ',') {
            $text = [System.IO.File]::ReadAllText((Join-Path $Utilities "$name.psm1"))
            New-Module -Name $name -ScriptBlock ([scriptblock]::Create($text)) | Import-Module -Scope Global
        }
        $loaded = $true
    }
    $arguments = Convert-JsonObject $request.arguments
    $call = [string]$request.call
    $answer = @(Write-Answer -Block { & $call -Arguments $arguments })
    [System.Console]::Out.WriteLine(($answer -join "`n"))
    [System.Console]::Out.Flush()
}
