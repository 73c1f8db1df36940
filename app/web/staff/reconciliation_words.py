"""What reconciliation finds, in words, and for each what a person does next."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.kernel.money import yuan_text
from app.kernel.outbox import OutboxState
from app.reconciliation.states import CaseKind, CaseState, RunState, Source, Subject

SOURCES = {
    Source.WECHAT: _l("微信交易账单"),
    Source.WECHAT_FUNDS: _l("微信资金账单"),
    Source.ALIPAY: _l("支付宝账单"),
    Source.POS: _l("银行刷卡对账单"),
    Source.INSURER: _l("医保对账"),
    Source.HOSPITAL: _l("医院系统"),
}
SUBJECTS = {
    Subject.PAYMENT: _l("付款"),
    Subject.REFUND: _l("退款"),
    Subject.FLOW: _l("资金流水"),
    Subject.SETTLEMENT: _l("医保结算"),
}
RUN_STATES = {
    RunState.DUE: ("wait", _l("等待对账单")),
    RunState.LOADED: ("info", _l("正在核对")),
    RunState.MATCHED: ("ok", _l("已核对")),
    RunState.REFUSED: ("bad", _l("对账单无效")),
}
LETTER_STATES = {
    OutboxState.WAITING: _l("等待发送"),
    OutboxState.SENDING: _l("正在发送"),
    OutboxState.SENT: _l("对方已确认收到"),
    OutboxState.DEAD: _l("发送失败，等人处理"),
}
CASE_STATES = {
    CaseState.OPEN: ("bad", _l("待处理")),
    CaseState.WAITING: ("wait", _l("等待核对")),
    CaseState.REPAIRED: ("ok", _l("已自动补单")),
    CaseState.EXPLAINED: ("ok", _l("已自动核销")),
    CaseState.CLOSED: ("info", _l("已人工处理")),
}
KINDS = {
    CaseKind.OPEN_HERE: _l("对方已成功，本院未完成"),
    CaseKind.ONLY_THERE: _l("仅对方有"),
    CaseKind.ONLY_HERE: _l("仅本院有"),
    CaseKind.AMOUNT_DIFFERS: _l("金额不一致"),
    CaseKind.TWICE_THERE: _l("对方重复"),
    CaseKind.IN_PROGRESS_THERE: _l("对方处理中"),
    CaseKind.FAILED_THERE: _l("对方失败"),
    CaseKind.OTHER_DAY: _l("跨日"),
    CaseKind.DISPUTED: _l("对方称不一致"),
    CaseKind.UNREADABLE: _l("账单行无法识别"),
}
# 下载账单并对账 (doc 4012075249 §5.3) names the four cases; the others follow from what each source can say.
NEXT_STEPS = {
    CaseKind.OPEN_HERE: _l("付款由系统自动补记；退款等系统查询结果，一小时后仍未完成请在对方商户平台核对。"),
    CaseKind.ONLY_THERE: _l("本院没有这笔记录。用对方单号在对方平台查询付款人，补登业务或原路退回，再写明结果。"),
    CaseKind.ONLY_HERE: _l("本院记为成功而对方没有。在对方平台按单号查询；确无此笔时先停止退款，并报告信息科。"),
    CaseKind.AMOUNT_DIFFERS: _l("以对方平台的实际金额为准核对差额；多收的退回，少收的联系患者，再写明结果。"),
    CaseKind.TWICE_THERE: _l("同一单号出现多笔。核对是否重复扣款；确为重复的在对方平台退回第二笔。"),
    CaseKind.IN_PROGRESS_THERE: _l("等待即可。退款到账后自动核销；三个工作日仍未到账请在商户平台核对。"),
    CaseKind.FAILED_THERE: _l("款项没有退到患者手中。在商户平台改用其他方式退款，再写明结果。"),
    CaseKind.OTHER_DAY: _l("等待即可。次日账单中出现后自动核销，没有出现会转为待处理。"),
    CaseKind.DISPUTED: _l("对方称双方不一致，但金额相同。按对方单号在对方平台查询总额、人员与就诊，更正后重新核对。"),
    CaseKind.UNREADABLE: _l("打开原账单查看这一行，按其内容人工核对，再写明结果。"),
}
_INSURER_NEXT = {
    CaseKind.OPEN_HERE: _l(
        "医保中心已结算，本院没有结算成功。系统会自动冲正（2601）或撤销（2208）；完成后点“重新核对”，仍在请联系医保中心。"
    ),
    CaseKind.ONLY_THERE: _l(
        "医保中心多一笔结算。按结算编号查询参保人与就诊；不是本院业务的请医保中心撤销，再重新核对。"
    ),
    CaseKind.ONLY_HERE: _l("本院已结算而医保中心没有，基金不会拨付。按批次号核对；确已被撤销的退款重收，再重新核对。"),
    CaseKind.AMOUNT_DIFFERS: _l("同一结算的医保支付金额不同。以医保中心为准，撤销后重新结算，再重新核对。"),
}
_HOSPITAL_NEXT = {
    CaseKind.OPEN_HERE: _l("医院系统已记账，本院没有这笔收款或退款。请在医院系统冲销，再重新核对。"),
    CaseKind.ONLY_THERE: _l("医院系统多记一笔。按消息编号在医院系统查询来源；误记的冲销，再重新核对。"),
    CaseKind.ONLY_HERE: _l(
        "医院系统没有记账。点“重新发送”，原消息按原编号再发一次，不会重复记账；收到后自动重新核对。"
    ),
    CaseKind.AMOUNT_DIFFERS: _l("医院系统记账金额不同。以本院收款为准，请在医院系统更正，再重新核对。"),
    CaseKind.TWICE_THERE: _l("医院系统记了两次。请在医院系统冲销一笔，再重新核对。"),
}
_POS_NEXT = {
    CaseKind.ONLY_THERE: _l("银行有这笔，窗口没有登记。按终端号、凭证号找签购单：漏登的补收或退回持卡人，再写明结果。"),
    CaseKind.ONLY_HERE: _l(
        "窗口登记了而银行没有。先核对签购单上的终端号和凭证号；过了零点的一般在次日账单里，次日账单上传后重新核对。"
    ),
    CaseKind.AMOUNT_DIFFERS: _l("以签购单和银行金额为准核对差额；多收的退回持卡人，少收的联系患者，再写明结果。"),
    CaseKind.TWICE_THERE: _l("同一凭证银行记了两笔。请联系收单银行核实，重复扣款的由银行退回，再写明结果。"),
}
_NEXT_OF_SOURCE = {Source.POS: _POS_NEXT, Source.INSURER: _INSURER_NEXT, Source.HOSPITAL: _HOSPITAL_NEXT}


def yuan(amount_fen: int | None) -> str:
    """An amount in yuan; a dash for a side that has none."""
    return "—" if amount_fen is None else yuan_text(amount_fen)


def next_step(source: Source, kind: CaseKind) -> str:
    """What a person does next about such a case."""
    return str(_NEXT_OF_SOURCE.get(source, {}).get(kind, NEXT_STEPS[kind]))


CODES = {
    "sha1_differs": _l("文件与对方给出的摘要不一致"),
    "cut_short": _l("文件不完整"),
    "damaged": _l("压缩文件已损坏"),
    "not_text": _l("不是文本文件"),
    "not_a_statement": _l("不是对账单"),
    "column_missing": _l("缺少必要的列"),
    "line_too_long": _l("有一行过长"),
    "rows_not_readable": _l("无法识别的行过多"),
    "statement_creating": _l("对方正在生成"),
    "provider_away": _l("对方没有应答"),
    "insurer_away": _l("医保中心没有应答"),
    "insurer_refused": _l("医保中心拒绝对账请求"),
    "insurer_unclear": _l("医保中心的应答无法识别"),
    "sums_differ": _l("合计与明细不符"),
    "cells_missing": _l("这一行缺少单元格"),
    "terminal_not_valid": _l("终端号应为 1 到 16 位字母或数字"),
    "slip_not_valid": _l("凭证号应为 1 到 12 位数字"),
    "reference_not_valid": _l("参考号应为字母或数字，不超过 40 位"),
    "time_not_valid": _l("时间无法识别，应如 2026-11-23 09:30:00"),
    "amount_not_valid": _l("金额应为大于零的元，最多两位小数"),
    "kind_unknown": _l("交易类型不在设置里"),
    "other_day": _l("不是这一天前后的交易"),
}
