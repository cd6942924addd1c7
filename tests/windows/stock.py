# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules as a Windows has them before anybody made one: of services, of Wi-Fi Direct, disabled ones, of an app."""

from __future__ import annotations

SVCHOST = r"App=%SystemRoot%\system32\svchost.exe"
HEAD = "v2.33|Action="

STOCK = {
    "Remote-Management-In": f"{HEAD}Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=5985|"
    "App=System|Name=@FirewallAPI.dll,-100|Desc=@FirewallAPI.dll,-101|EmbedCtxt=@FirewallAPI.dll,-102|",
    "VPN-In-443": f"{HEAD}Allow|Active=FALSE|Dir=In|Protocol=6|LPort=443|App=System|Name=@vpn.dll,-1|"
    "Desc=@vpn.dll,-2|EmbedCtxt=@vpn.dll,-3|",
    "Dhcp-In": f"{HEAD}Allow|Active=TRUE|Dir=In|Protocol=17|LPort=68|RPort=67|{SVCHOST}|Svc=dhcp|"
    "Name=@FirewallAPI.dll,-110|EmbedCtxt=@FirewallAPI.dll,-112|",
    "Service-NoScope": f"{HEAD}Block|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|{SVCHOST}|Svc=someservice|"
    "Name=@FirewallAPI.dll,-120|EmbedCtxt=@FirewallAPI.dll,-121|",
    "Wifi-Print-In": f"{HEAD}Block|Active=TRUE|Dir=In|Profile=Public|App=%SystemRoot%\\system32\\spool.exe|"
    "Svc=Spooler|Name=@FirewallAPI.dll,-130|EmbedCtxt=@FirewallAPI.dll,-131|TTK2_22=WFDPrint|",
    "Wifi-Print-Users": f"{HEAD}Block|Active=TRUE|Dir=In|Profile=Public|App=%SystemRoot%\\system32\\host.exe|"
    "Name=@FirewallAPI.dll,-132|LUAuth=O:LSD:(A;;CC;;;S-1-5-92-1)|EmbedCtxt=@FirewallAPI.dll,-131|TTK2_22=WFDPrint|",
    "Near-In": f"{HEAD}Block|Active=TRUE|Dir=In|Protocol=6|Profile=Private|LPort=10247|RA4=LocalSubnet|"
    "RA6=LocalSubnet|App=System|Name=@FirewallAPI.dll,-140|EmbedCtxt=@FirewallAPI.dll,-141|",
    "Router-In": f"{HEAD}Block|Active=TRUE|Dir=In|Protocol=58|ICMP6=134:*|RA6=fe80::/64|App=System|"
    "Name=@FirewallAPI.dll,-150|EmbedCtxt=@FirewallAPI.dll,-151|",
    "Manage-Out": f"{HEAD}Block|Active=TRUE|Dir=Out|Protocol=6|LPort2_10=49152-65535|"
    "App=%SystemRoot%\\system32\\manage.exe|Name=@FirewallAPI.dll,-160|EmbedCtxt=@FirewallAPI.dll,-161|",
    "Rpc-In": f"{HEAD}Allow|Active=FALSE|Dir=In|Protocol=6|LPort=RPC-EPMap|{SVCHOST}|Svc=Rpcss|"
    "Name=@FirewallAPI.dll,-170|EmbedCtxt=@FirewallAPI.dll,-171|",
    "{AAAAAAAA-0000-4000-8000-000000000001}": "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Private|"
    "Profile=Public|App=c:\\users\\a\\game.exe|Name=a game|Desc=what somebody wrote|Defer=User|",
    "{AAAAAAAA-0000-4000-8000-000000000002}": "v2.26|Action=Block|Active=TRUE|Dir=Out|RA42=IntErnet|RA62=IntErnet|"
    "App=C:\\Windows\\app.exe|Name=no internet|Desc=for that app|",
}
