"""What refusals say on the patient's phone: what happened, that no money was lost, and what to do next."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

_BACK = _l("请返回上一页，看一看现在的状态。")
_DESK = _l("如有疑问，请到人工窗口咨询。")
_OTHER_TIME = _l("请换一个时间或医生，没有扣款。")
_CHECK = _l("请返回检查后重新填写。")

WORDS: dict[str, tuple[object, object, object]] = {
    # any place
    "illegal_move": (_l("状态已经变了"), _l("这一步刚刚处理过，或现在不能做。"), _BACK),
    "once_key_reused": (_l("页面已用过"), _l("这张表单已经提交过另外的内容。"), _l("请重新打开页面再填写。")),
    # identity
    "bad_id_number": (_l("身份证号码有误"), _l("号码的长度、日期或校验位不对。"), _l("请对照证件重新填写。")),
    "bad_phone": (_l("手机号码有误"), _l("这不是可以接收短信的手机号码。"), _CHECK),
    "bad_name": (_l("姓名有误"), _l("姓名为空、过长或含有无法识别的字符。"), _CHECK),
    "cannot_bind": (_l("暂时不能绑定"), _l("信息与医院登记的不一致。"), _l("请核对，或携带证件到窗口办理。")),
    "too_many_patients": (_l("就诊人已满"), _l("一个账号最多添加 6 位就诊人。"), _l("请先解除不再需要的就诊人。")),
    "identity_conflict": (_l("需要人工核对"), _l("证件号与登记的信息有冲突。"), _l("请携带证件到窗口办理。")),
    "wrong_login": (_l("账号或密码不对"), _l("连续输错 5 次将锁定 15 分钟。"), _l("请重新登录。")),
    "wrong_code": (_l("验证码不对"), _l("验证码错误、已使用或已过期。"), _l("请重新获取验证码。")),
    # booking
    "sold_out": (_l("这个班次约满了"), _l("最后一个号刚刚被约走。"), _OTHER_TIME),
    "kept_for_others": (
        _l("网上的号约满了"),
        _l("剩下的号留给窗口、现场或复诊的患者，%(opens_at)s 起对所有人开放。"),
        _l("请到时再来，或换一个时间、医生；没有扣款。"),
    ),
    "place_found": (_l("已经改约过了"), _l("这次停诊已经改约了另一个号。"), _l("可在“我的挂号”中查看。")),
    "session_closed": (_l("这个班次已结束或停诊"), _l("不能再预约。"), _OTHER_TIME),
    "places_busy": (_l("号源正忙"), _l("最后几个号正在被支付或释放。"), _l("请过几秒再试一次。")),
    "slots_overlap": (_l("时间冲突"), _l("这位医生在同一时间已有门诊。"), _OTHER_TIME),
    "already_registered": (
        _l("已经挂过这个号"),
        _l("就诊人在这个半天已有这位医生的号。"),
        _l("可在“我的挂号”中查看。"),
    ),
    "too_many_holds": (
        _l("待支付的号太多"),
        _l("您已有 %(at_most)s 个未支付的号。"),
        _l("请先支付或取消其中一个。"),
    ),
    "cannot_cancel": (_l("不能在线取消"), _l("签到以后不能在线取消。"), _l("请到人工窗口办理。")),
    "cannot_reschedule": (
        _l("不能在线改约"),
        _l("只有已预约、未签到、在手机上约的号可以在线改约。"),
        _l("原来的号不变；如需改时间，请到人工窗口办理。"),
    ),
    "reschedule_too_late": (
        _l("已过在线改约时间"),
        _l("按医院规则，这个号只能在 %(closes_at)s 前改约。"),
        _l("原来的号不变；如需改时间，请到人工窗口办理。"),
    ),
    "moved_too_often": (
        _l("改约次数已满"),
        _l("按医院规则，一个号最多改约 %(at_most)s 次。"),
        _l("原来的号不变；不能来时请取消，再重新预约。"),
    ),
    "exchange_waits": (
        _l("有一个新号等待支付"),
        _l("您已为这个号选了新的时间，还没有支付。"),
        _l("请先支付或取消那个新号；原来的号不变。"),
    ),
    "hold_expired": (_l("超过支付时间"), _l("号源保留时间已过，现已释放。"), _l("请重新选择时间。")),
    "cancel_too_late": (
        _l("已过在线取消时间"),
        _l("按医院规则，这个号只能在 %(closes_at)s 前在线取消。"),
        _l("请到人工窗口办理；不能来时请告诉我们。"),
    ),
    "not_released_yet": (
        _l("还没有放号"),
        _l("这一天的号 %(opens_at)s 开始预约。"),
        _l("请到时再来，或先看其他日期。"),
    ),
    "booking_is_over": (_l("这一天已停止预约"), _l("这一天的号只能预约到 %(closes_at)s。"), _OTHER_TIME),
    "only_own_record": (
        _l("只能为本人预约"),
        _l("按这个科室的规则，账号只能为持有人本人预约。"),
        _l("请由就诊人用自己的手机预约，或到窗口办理。"),
    ),
    "too_many_bookings": (
        _l("预约次数已满"),
        _l("按医院规则，每位患者 %(within_days)s 天内最多预约 %(at_most)s 次。"),
        _l("请过几天再约；急症请到急诊。"),
    ),
    "too_many_in_department": (
        _l("当天已有这个科室的号"),
        _l("按医院规则，每位患者同一天在同一科室最多 %(at_most)s 个号。"),
        _l("请换一天，或先取消已有的号。"),
    ),
    "too_many_of_account": (
        _l("今天预约次数已满"),
        _l("按医院规则，每个账号每天最多预约 %(at_most)s 个号。"),
        _l("请明天再试，或到窗口办理。"),
    ),
    "patient_suspended": (
        _l("暂停网上预约"),
        _l("这位就诊人因爽约或退号达到医院规定的次数（%(breaches)s 次），网上预约暂停至 %(ends_at)s。"),
        _l("可在“我的”里查看原因并申诉；窗口挂号不受影响。"),
    ),
    "appeal_empty": (_l("请写明申诉理由"), _l("申诉需要写明理由。"), _l("请填写后重新提交。")),
    # queue
    "check_in_too_early": (_l("还没到签到时间"), _l("%(opens_at)s 起可以签到。"), _l("到时间后请回到本页签到。")),
    "check_in_too_late": (_l("门诊已结束"), _l("这个班次已经结束或停诊。"), _l("请重新预约，或到窗口咨询。")),
    "came_too_late": (
        _l("迟到太久，号已作废"),
        _l("按医院规则，%(until_at)s 以后不能再签到。"),
        _l("请重新挂号，或到人工窗口咨询。"),
    ),
    "cannot_check_in": (_l("不能签到"), _l("这个号未支付、已取消或已就诊。"), _BACK),
    # insurance and payment
    "split_does_not_add_up": (_l("结算需要人工核对"), _l("没有扣款，工作人员会处理。"), _DESK),
    "split_changed": (
        _l("金额有变化"),
        _l("医保结算的金额已更新，没有扣款。"),
        _l("请返回账单核对后再支付。"),
    ),
    "consent_missing": (
        _l("请先确认自费药品"),
        _l("有的药医保不支付，要您同意后才能收费。"),
        _l("请返回账单勾选确认，或不要这个药。"),
    ),
    "line_not_optional": (_l("这一项不能去掉"), _l("它由医保支付，或处方已经付款或变更。"), _BACK),
    "settlement_under_way": (_l("正在医保结算"), _l("上一次结算还没有结果。"), _l("请稍等片刻再试，不要重复付款。")),
    "card_not_accepted": (_l("没有找到这张卡"), _l("医保中心没有找到这张卡或凭证。"), _CHECK),
    "card_of_another": (_l("不是本人的卡"), _l("这张卡或凭证不是就诊人本人的。"), _CHECK),
    "insurer_unavailable": (_l("医保暂时不可用"), _l("医保中心没有回应，没有扣款。"), _l("请稍后再试，或到窗口办理。")),
    "coverage_busy": (_l("医保正忙"), _l("您的医保账户正在被另一笔结算使用。"), _l("请稍后再试。")),
    "coverage_not_valid": (_l("医保信息有误"), _l("医保账户的金额不合理。"), _DESK),
    "policy_unknown": (_l("没有这种医保"), _l("医院没有登记这种医保。"), _DESK),
    "member_no_not_valid": (_l("医保编号有误"), _l("编号为空、过长或含有无法识别的字符。"), _CHECK),
    "already_paid": (_l("已经支付过了"), _l("这张账单已经付清，不会重复扣款。"), _BACK),
    "bill_not_open": (
        _l("这张账单不能支付"),
        _l("账单已作废、已退款或超过支付时间。"),
        _l("没有扣款，请返回查看。"),
    ),
    "needs_wechat": (_l("需要微信授权"), _l("在微信内支付需要先授权登录。"), _l("也可以扫码支付。")),
    "payment_unclear": (
        _l("支付结果还不明确"),
        _l("我们正在向支付平台查询。"),
        _l("请不要重复付款，稍后回到账单查看。"),
    ),
    "payment_unavailable": (_l("暂时不能支付"), _l("支付平台没有响应，没有扣款。"), _l("请稍后再试，或到窗口缴费。")),
    "refund_exceeds_paid": (_l("退款需要人工核对"), _l("退款金额与已付金额不符。"), _DESK),
    # revisit
    "revisit_closed": (_l("复诊已处理"), _l("这次复诊已预约、已完成或已取消。"), _l("可在“复诊”中查看。")),
    "no_place_near": (_l("附近日期没有号"), _l("建议的日期前后暂时约满。"), _l("请看看其他日期。")),
    # what providers and the hospital system hear; a person meets these words only by an unusual way
    "courier_away": (_l("暂时联系不上"), _l("短信或微信平台没有响应。"), _l("请稍后再试。")),
    "courier_refused": (_l("发送失败"), _l("短信或微信平台没有接受。"), _l("请稍后再试。")),
    "notification_refused": (_l("不能识别的通知"), _l("通知的签名不对。"), _DESK),
    "bad_report": (_l("报告内容有误"), _l("报告有一项无法识别。"), _DESK),
    "report_of_another_patient": (_l("报告属于另一位患者"), _l("报告号或就诊号与患者不一致。"), _DESK),
    "report_superseded": (_l("报告已有正式结果"), _l("初步结果晚于正式报告，未作更改。"), _DESK),
    "report_busy": (_l("报告正在处理"), _l("同一份报告正在写入。"), _l("请稍后再试。")),
    "error": (_l("出错了"), _l("系统遇到了问题。"), _l("请稍后再试，或到人工窗口办理。")),
    "refused": (_l("不能办理"), _l("医院的规则不允许这一步。"), _DESK),
}
