# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The numbers of nf_tables under the kernel's names: NFTA_RULE_HANDLE is ``RuleAttr.HANDLE``.

They are those of include/uapi/linux/netfilter/nf_tables.h where nothing else is said, as far as they are used; what is
within expressions is in ``expression_constants``. They are plain numbers, as members of an IntEnum take several times
as long to look up and to compare, and a ruleset has 100,000 attributes.
"""

from __future__ import annotations


class NfProto:
    """NFPROTO_* of include/uapi/linux/netfilter.h: the families of tables, and of what a rule translates."""

    INET = 1
    IPV4 = 2
    ARP = 3
    NETDEV = 5
    BRIDGE = 7
    IPV6 = 10


class Register:
    """enum nft_registers: NFT_REG_VERDICT, and the first of 4 bytes, NFT_REG32_00; 1 to 4 are of 16 bytes."""

    VERDICT = 0
    FIRST_SHORT = 8


class VerdictCode:
    """enum nft_verdicts, as the unsigned numbers that they are sent as; NF_DROP and NF_ACCEPT of linux/netfilter.h."""

    CONTINUE = 0xFFFFFFFF
    BREAK = 0xFFFFFFFE
    JUMP = 0xFFFFFFFD
    GOTO = 0xFFFFFFFC
    RETURN = 0xFFFFFFFB
    DROP = 0
    ACCEPT = 1


class TableAttr:
    """enum nft_table_attributes."""

    NAME = 1
    FLAGS = 2


class TableFlag:
    """enum nft_table_flags."""

    DORMANT = 0x1
    OWNER = 0x2


class ChainAttr:
    """enum nft_chain_attributes."""

    TABLE = 1
    NAME = 3
    HOOK = 4
    POLICY = 5
    USE = 6
    TYPE = 7


class HookAttr:
    """enum nft_hook_attributes."""

    HOOKNUM = 1
    PRIORITY = 2
    DEV = 3
    DEVS = 4


class RuleAttr:
    """enum nft_rule_attributes."""

    TABLE = 1
    CHAIN = 2
    HANDLE = 3
    EXPRESSIONS = 4
    USERDATA = 7


class SetAttr:
    """enum nft_set_attributes."""

    TABLE = 1
    NAME = 2
    FLAGS = 3
    KEY_TYPE = 4
    KEY_LEN = 5
    DATA_TYPE = 6
    DESC = 9
    OBJ_TYPE = 15


class SetFlag:
    """enum nft_set_flags."""

    ANONYMOUS = 0x1
    INTERVAL = 0x4
    EVAL = 0x20
    CONCAT = 0x80


class SetDescAttr:
    """enum nft_set_desc_attributes."""

    SIZE = 1


class SetElemListAttr:
    """enum nft_set_elem_list_attributes."""

    TABLE = 1
    SET = 2
    ELEMENTS = 3


class SetElemAttr:
    """enum nft_set_elem_attributes."""

    KEY = 1
    DATA = 2
    FLAGS = 3
    EXPIRATION = 5
    KEY_END = 10


class SetElemFlag:
    """enum nft_set_elem_flags."""

    INTERVAL_END = 0x1
    CATCHALL = 0x2


class ListAttr:
    """enum nft_list_attributes."""

    ELEM = 1


class DataAttr:
    """enum nft_data_attributes."""

    VALUE = 1
    VERDICT = 2


class VerdictAttr:
    """enum nft_verdict_attributes."""

    CODE = 1
    CHAIN = 2


class ExprAttr:
    """enum nft_expr_attributes."""

    NAME = 1
    DATA = 2


class ObjectType:
    """NFT_OBJECT_*."""

    COUNTER = 1
    QUOTA = 2
    CT_HELPER = 3
    LIMIT = 4
    CONNLIMIT = 5
    TUNNEL = 6
    CT_TIMEOUT = 7
    SECMARK = 8
    CT_EXPECT = 9
    SYNPROXY = 10


class PayloadBase:
    """enum nft_payload_bases."""

    LL_HEADER = 0
    NETWORK_HEADER = 1
    TRANSPORT_HEADER = 2
    INNER_HEADER = 3


class MetaKey:
    """enum nft_meta_keys."""

    LEN = 0
    PROTOCOL = 1
    PRIORITY = 2
    MARK = 3
    IIF = 4
    OIF = 5
    IIFNAME = 6
    OIFNAME = 7
    IFTYPE = 8
    OIFTYPE = 9
    SKUID = 10
    SKGID = 11
    NFTRACE = 12
    RTCLASSID = 13
    SECMARK = 14
    NFPROTO = 15
    L4PROTO = 16
    BRI_IIFNAME = 17
    BRI_OIFNAME = 18
    PKTTYPE = 19
    CPU = 20
    IIFGROUP = 21
    OIFGROUP = 22
    CGROUP = 23
    PRANDOM = 24
    SECPATH = 25
    IIFKIND = 26
    OIFKIND = 27
    BRI_IIFPVID = 28
    BRI_IIFVPROTO = 29
    TIME_NS = 30
    TIME_DAY = 31
    TIME_HOUR = 32
    SDIF = 33
    SDIFNAME = 34
    BRI_BROUTE = 35


class CtKey:
    """enum nft_ct_keys."""

    STATE = 0
    DIRECTION = 1
    STATUS = 2
    MARK = 3
    SECMARK = 4
    EXPIRATION = 5
    HELPER = 6
    L3PROTOCOL = 7
    SRC = 8
    DST = 9
    PROTOCOL = 10
    PROTO_SRC = 11
    PROTO_DST = 12
    LABELS = 13
    PKTS = 14
    BYTES = 15
    AVGPKT = 16
    ZONE = 17
    EVENTMASK = 18
    SRC_IP = 19
    DST_IP = 20
    SRC_IP6 = 21
    DST_IP6 = 22
    ID = 23


class FibResult:
    """enum nft_fib_result."""

    OIF = 1
    OIFNAME = 2
    ADDRTYPE = 3


class FibFlag:
    """enum nft_fib_flags."""

    SADDR = 0x1
    DADDR = 0x2
    MARK = 0x4
    IIF = 0x8
    OIF = 0x10
    PRESENT = 0x20


class DataType:
    """What user space says of a set's keys and data: enum datatypes of nftables, include/datatype.h."""

    IPADDR = 7
    IP6ADDR = 8
    INET_PROTOCOL = 12
    INET_SERVICE = 13


class LogLevel:
    """enum nft_log_level."""

    WARNING = 4
