# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The attributes of the expressions of nf_tables under the kernel's names: NFTA_DYNSET_OP is ``DynsetAttr.OP``.

They are those of include/uapi/linux/netfilter/nf_tables.h where nothing else is said, as far as they are used.
"""

from __future__ import annotations


class ImmediateAttr:
    """enum nft_immediate_attributes."""

    DREG = 1
    DATA = 2


class BitwiseAttr:
    """enum nft_bitwise_attributes."""

    SREG = 1
    DREG = 2
    MASK = 4
    XOR = 5
    OP = 6


class BitwiseOp:
    """enum nft_bitwise_ops."""

    MASK_XOR = 0


class ByteorderAttr:
    """enum nft_byteorder_attributes."""

    SREG = 1
    DREG = 2
    OP = 3
    LEN = 4


class ByteorderOp:
    """enum nft_byteorder_ops."""

    HTON = 1


class CmpAttr:
    """enum nft_cmp_attributes."""

    SREG = 1
    OP = 2
    DATA = 3


class CmpOp:
    """enum nft_cmp_ops."""

    EQ = 0
    NEQ = 1
    LT = 2
    LTE = 3
    GT = 4
    GTE = 5


class RangeAttr:
    """enum nft_range_attributes."""

    SREG = 1
    OP = 2
    FROM_DATA = 3
    TO_DATA = 4


class RangeOp:
    """enum nft_range_ops."""

    NEQ = 1


class LookupAttr:
    """enum nft_lookup_attributes."""

    SET = 1
    SREG = 2
    DREG = 3
    FLAGS = 5


class DynsetAttr:
    """enum nft_dynset_attributes."""

    SET_NAME = 1
    OP = 3
    SREG_KEY = 4
    EXPR = 7
    FLAGS = 9
    EXPRESSIONS = 10


class DynsetOp:
    """enum nft_dynset_ops."""

    ADD = 0
    UPDATE = 1
    DELETE = 2


class ObjrefAttr:
    """enum nft_objref_attributes."""

    IMM_TYPE = 1
    IMM_NAME = 2
    SET_SREG = 3
    SET_NAME = 4


class PayloadAttr:
    """enum nft_payload_attributes."""

    DREG = 1
    BASE = 2
    OFFSET = 3
    LEN = 4
    SREG = 5


class MetaAttr:
    """enum nft_meta_attributes."""

    DREG = 1
    KEY = 2
    SREG = 3


class CtAttr:
    """enum nft_ct_attributes."""

    DREG = 1
    KEY = 2
    SREG = 4


class FibAttr:
    """enum nft_fib_attributes."""

    DREG = 1
    RESULT = 2
    FLAGS = 3


class ExthdrAttr:
    """enum nft_exthdr_attributes."""

    DREG = 1
    TYPE = 2
    LEN = 4
    OP = 6


class ExthdrOp:
    """enum nft_exthdr_op."""

    IPV6 = 0
    TCPOPT = 1
    IPV4 = 2
    SCTP = 3
    DCCP = 4


class NumgenAttr:
    """enum nft_ng_attributes."""

    DREG = 1
    MODULUS = 2
    TYPE = 3
    OFFSET = 4


class NumgenType:
    """enum nft_ng_types."""

    INCREMENTAL = 0
    RANDOM = 1


class LogAttr:
    """enum nft_log_attributes."""

    GROUP = 1
    PREFIX = 2
    LEVEL = 5


class LimitAttr:
    """enum nft_limit_attributes."""

    RATE = 1
    UNIT = 2
    BURST = 3
    TYPE = 4
    FLAGS = 5


class LimitType:
    """enum nft_limit_type."""

    PKTS = 0


class QuotaAttr:
    """enum nft_quota_attributes."""

    BYTES = 1
    FLAGS = 2


class ConnlimitAttr:
    """enum nft_connlimit_attributes."""

    COUNT = 1
    FLAGS = 2


class QueueAttr:
    """enum nft_queue_attributes."""

    NUM = 1


class RejectAttr:
    """enum nft_reject_attributes."""

    TYPE = 1
    ICMP_CODE = 2


class RejectType:
    """enum nft_reject_types."""

    ICMP_UNREACH = 0
    TCP_RST = 1
    ICMPX_UNREACH = 2


class NatAttr:
    """enum nft_nat_attributes."""

    TYPE = 1
    FAMILY = 2
    REG_ADDR_MIN = 3
    REG_ADDR_MAX = 4
    REG_PROTO_MIN = 5
    REG_PROTO_MAX = 6
    FLAGS = 7


class NatType:
    """enum nft_nat_types."""

    SNAT = 0
    DNAT = 1


class RedirAttr:
    """enum nft_redir_attributes."""

    REG_PROTO_MIN = 1
    REG_PROTO_MAX = 2


class XtAttr:
    """NFTA_MATCH_NAME and NFTA_TARGET_NAME of nf_tables_compat.h, which are the same."""

    NAME = 1


class Dreg:
    """NFTA_RT_DREG and so on, the register that is loaded: of expressions of which nothing else is read."""

    RT = 1
    SOCKET = 2
    OSF = 1
    XFRM = 1
    TUNNEL = 2
    HASH = 2


class Inverted:
    """NFT_LOOKUP_F_INV and so on: the flag that turns what an expression asks into its opposite."""

    LOOKUP = 0x1
    DYNSET = 0x1
    LIMIT = 0x1
    QUOTA = 0x1
    CONNLIMIT = 0x1
