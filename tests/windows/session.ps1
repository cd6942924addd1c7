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

$loaded = $false
while ($null -ne ($line = [System.Console]::In.ReadLine())) {
    $request = ConvertFrom-Json -InputObject $line -DateKind String
    foreach ($property in $request.environment.PSObject.Properties) { [System.Environment]::SetEnvironmentVariable($property.Name, $property.Value) }
    $culture = [System.Globalization.CultureInfo]::new([string]$request.culture)
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
