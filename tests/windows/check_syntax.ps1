# Says of each script what Windows PowerShell 5.1 would not take, from its syntax tree: {path: [line: what]}.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$newer_nodes = @{ TernaryExpressionAst = 'ternary'; PipelineChainAst = '&& or ||'; UsingStatementAst = 'using, which Ansible does not load' }
$newer_tokens = 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket', 'AndAnd', 'OrOr', 'Clean'
# Parameters that came after 5.1, by command: those that a script of ours could be tempted to use.
$newer_parameters = @{
    'ConvertFrom-Json' = 'AsHashtable', 'Depth', 'NoEnumerate', 'DateKind'
    'ConvertTo-Json' = 'AsArray', 'EnumsAsStrings', 'EscapeHandling'
    'ForEach-Object' = 'Parallel', 'ThrottleLimit', 'AsJob', 'TimeoutSeconds'
    'Get-Content' = 'AsByteStream'
    'Set-Content' = 'AsByteStream'
    'Where-Object' = @()
    'Start-Sleep' = 'Duration'
    'Split-Path' = 'LeafBase', 'Extension'
    'Join-Path' = @()
    'Select-Object' = 'CaseInsensitive'
    'Sort-Object' = 'Top', 'Bottom'
    'Group-Object' = @()
    'New-Item' = @()
}
$newer_commands = 'Get-Error', 'Join-String', 'Test-Json', 'ConvertTo-CliXml', 'ConvertFrom-CliXml', 'Get-Uptime', 'Remove-Service', 'Remove-Alias'
$newer_variables = 'IsWindows', 'IsLinux', 'IsMacOS', 'IsCoreCLR', 'PSStyle', 'EnabledExperimentalFeatures'

$found = [ordered]@{}
foreach ($path in $args) {
    $tokens = $null
    $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($path, [ref]$tokens, [ref]$errors)
    $told = [System.Collections.Generic.List[string]]::new()
    foreach ($problem in $errors) { $told.Add("$($problem.Extent.StartLineNumber): $($problem.Message)") }
    foreach ($token in $tokens) {
        if ([string]$token.Kind -in $newer_tokens) { $told.Add("$($token.Extent.StartLineNumber): $($token.Text)") }
    }
    foreach ($node in $tree.FindAll({ $true }, $true)) {
        $line = $node.Extent.StartLineNumber
        $kind = $node.GetType().Name
        if ($newer_nodes.ContainsKey($kind)) { $told.Add("${line}: $($newer_nodes[$kind])") }
        if ($kind -eq 'PipelineAst' -and $node.Background) { $told.Add("${line}: & behind a command") }
        if ($kind -eq 'NamedBlockAst' -and [string]$node.BlockKind -eq 'Clean') { $told.Add("${line}: clean") }
        if ($kind -eq 'MemberExpressionAst' -and $node.NullConditional) { $told.Add("${line}: ?.") }
        if ($kind -eq 'InvokeMemberExpressionAst' -and $node.NullConditional) { $told.Add("${line}: ?.") }
        if ($kind -eq 'VariableExpressionAst' -and [string]$node.VariablePath -in $newer_variables) { $told.Add("${line}: `$$($node.VariablePath)") }
        if ($kind -eq 'CommandAst') {
            $name = $node.GetCommandName()
            if ($name -in $newer_commands) { $told.Add("${line}: $name") }
            foreach ($parameter in $node.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                if ($newer_parameters.ContainsKey([string]$name) -and $parameter.ParameterName -in $newer_parameters[$name]) { $told.Add("${line}: -$($parameter.ParameterName)") }
            }
        }
    }
    $found[$path] = @($told)
}
ConvertTo-Json -InputObject $found -Depth 3
