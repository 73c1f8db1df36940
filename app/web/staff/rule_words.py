"""The hospital's rules in plain words: what each is called, what to type, and what is wrong with what was typed."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.rulebook.terms import Breach, CancelUntil, LateRule, PassedComesBack, Step

GROUPS: tuple[tuple[object, tuple[str, ...]], ...] = (
    (
        _l("预约"),
        (
            *("hold_minutes", "unpaid_holds_at_most", "window_first_day", "window_days", "release_clock"),
            *("patient_bookings_at_most", "patient_bookings_within_days", "patient_department_day_at_most"),
            *("account_bookings_per_day_at_most", "only_own_record", "verified_only", "free_return_days"),
            *("fee_insurance_code", "closed_on_public_holidays"),
            *("release_admits_per_second", "release_queue_opens_minutes", "release_queue_minutes"),
        ),
    ),
    (
        _l("取消和退费"),
        (
            *("cancel_until", "cancel_minutes_before", "expert_cancel_minutes_before", "expert_titles"),
            *("cancel_days_before", "cancel_clock", "refund_tiers", "late_cancel_minutes", "reschedules_at_most"),
            *("returned_place_minutes_at_least", "returned_place_minutes_at_most"),
        ),
    ),
    (
        _l("候补"),
        (
            *("waitlist_offer_minutes", "waitlist_stops_minutes_before", "waitlist_from_clock"),
            *("waitlist_until_clock", "waitlist_entries_at_most", "waitlist_missed_at_most"),
        ),
    ),
    (_l("爽约和限约"), ("breach_limits",)),
    (_l("签到和迟到"), ("check_in_opens_minutes", "check_in_needs_lobby_code", "late_after_minutes", "late_rule")),
    (
        _l("候诊"),
        (
            *("doctors_share_a_line", "boards_show_names"),
            *("passed_steps", "passed_comes_back", "new_per_passed", "new_per_returned"),
            *("new_per_returned_when_outnumbered", "priority_classes", "new_per_priority"),
        ),
    ),
    (_l("登录"), ("login_codes_per_address_per_hour",)),
)
LABELS: dict[str, object] = {
    "hold_minutes": _l("未支付的号保留几分钟"),
    "unpaid_holds_at_most": _l("每个账号最多几个未支付的号"),
    "window_first_day": _l("最早可约几天后"),
    "window_days": _l("最远可约几天后"),
    "release_clock": _l("每天几点放号"),
    "patient_bookings_at_most": _l("每位患者最多预约几次"),
    "patient_bookings_within_days": _l("上面的次数按几天计算"),
    "patient_department_day_at_most": _l("每位患者同一天同一科室最多几个号"),
    "account_bookings_per_day_at_most": _l("每个账号每天最多预约几次"),
    "only_own_record": _l("只能为本人预约"),
    "verified_only": _l("只有实名核验过的就诊人可以网上预约"),
    "free_return_days": _l("几天内复诊免挂号费"),
    "fee_insurance_code": _l("挂号费的医保目录编码"),
    "closed_on_public_holidays": _l("法定节假日停诊"),
    "release_admits_per_second": _l("放号排队每秒放行几人"),
    "release_queue_opens_minutes": _l("放号前几分钟开始排队"),
    "release_queue_minutes": _l("放号后几分钟内要排队"),
    "cancel_until": _l("取消截止的算法"),
    "cancel_minutes_before": _l("普通号就诊前几分钟截止取消"),
    "expert_cancel_minutes_before": _l("专家号就诊前几分钟截止取消"),
    "expert_titles": _l("哪些职称算专家"),
    "cancel_days_before": _l("截止时刻在就诊日前几天"),
    "cancel_clock": _l("截止时刻"),
    "refund_tiers": _l("退费档次"),
    "late_cancel_minutes": _l("就诊前几分钟内取消算临时取消"),
    "reschedules_at_most": _l("每个号最多改约几次"),
    "returned_place_minutes_at_least": _l("退回的号至少等几分钟再放出"),
    "returned_place_minutes_at_most": _l("退回的号最多等几分钟再放出"),
    "waitlist_offer_minutes": _l("候补到的号保留几分钟"),
    "waitlist_stops_minutes_before": _l("就诊前几分钟起不再给候补"),
    "waitlist_from_clock": _l("每天几点开始通知候补"),
    "waitlist_until_clock": _l("每天几点以后不再通知候补"),
    "waitlist_entries_at_most": _l("每位患者最多同时候补几个"),
    "waitlist_missed_at_most": _l("几次没有回应就结束候补"),
    "breach_limits": _l("爽约、退号的次数和限约"),
    "check_in_opens_minutes": _l("开诊前几分钟开始签到"),
    "boards_show_names": _l("候诊屏显示隐去部分的姓名"),
    "doctors_share_a_line": _l("同科室同价位的医生共用一个队列"),
    "check_in_needs_lobby_code": _l("手机签到须先扫签到屏上的码"),
    "late_after_minutes": _l("过了预约时段几分钟算迟到"),
    "late_rule": _l("迟到的人排在哪里"),
    "passed_steps": _l("过号后排在哪里"),
    "passed_comes_back": _l("过号后怎样回到队列"),
    "new_per_passed": _l("穿插时每几个新患者后一个过号患者"),
    "new_per_returned": _l("每几个新患者后一个回诊患者"),
    "new_per_returned_when_outnumbered": _l("回诊患者更多时改为每几个新患者"),
    "priority_classes": _l("优先的人和凭据"),
    "new_per_priority": _l("每几个新患者后一个优先患者"),
    "login_codes_per_address_per_hour": _l("同一网络地址每小时最多几个验证码"),
}
_NO_LIMIT = _l("0 为不限")
HINTS: dict[str, object] = {
    "hold_minutes": _l("1 到 120"),
    "window_first_day": _l("0 为当天可约"),
    "window_days": _l("0 到 35；门诊最多提前 35 天开放"),
    "release_clock": _l("例如 06:00；到这个时刻，最远的一天开始预约"),
    "release_admits_per_second": _l("0 为不排队；放号前来的随机排序，之后来的先到先得"),
    "patient_bookings_at_most": _NO_LIMIT,
    "patient_department_day_at_most": _NO_LIMIT,
    "account_bookings_per_day_at_most": _NO_LIMIT,
    "verified_only": _l("窗口核验，或由医院系统核验；窗口挂号不受影响"),
    "free_return_days": _l("同一科室；0 为不免"),
    "fee_insurance_code": _l("填写后，手机预约的挂号费经医保结算；空白为全部自费"),
    "expert_titles": _l("用空格分开"),
    "cancel_days_before": _l("按钟点截止时使用；0 为就诊当天"),
    "cancel_clock": _l("按钟点截止时使用；24:00 为当天结束"),
    "refund_tiers": _l("每行：就诊前分钟数 退费百分比，从早到晚。例如 120 100 和 0 0。目前只能全退或不退"),
    "late_cancel_minutes": _l("0 为不算"),
    "reschedules_at_most": _NO_LIMIT,
    "returned_place_minutes_at_most": _l("在两个数之间随机，防止倒号；0 为马上放出"),
    "waitlist_stops_minutes_before": _l("这以后退回的号直接放给所有人"),
    "waitlist_from_clock": _l("例如 07:00；夜里退回的号等到这时"),
    "waitlist_entries_at_most": _l("0 为不开放候补"),
    "waitlist_missed_at_most": _NO_LIMIT,
    "breach_limits": _l(
        "每行：种类 次数 几个月内 限约几个月。种类：no_show 爽约，late_cancel 临时取消，cancel 退号，"
        "same_day_refund 当日退号，no_show_or_late_cancel 爽约或临时取消。例如 no_show 3 3 3"
    ),
    "late_after_minutes": _l("0 为时段结束就算"),
    "passed_steps": _l(
        "按第几次过号依次填写，用空格分开：数字为往后几位，end 排到最后，between 与新患者穿插，"
        "session_end 排到本场最后，void 作废算爽约。最后一项以后都用"
    ),
    "new_per_returned_when_outnumbered": _l("0 为不变"),
    "priority_classes": _l(
        "每行：代码 名称 凭据 年龄。年龄够就不必另出凭据，0 为只看凭据。例如 elder 八十岁以上 身份证 80"
    ),
    "new_per_priority": _l("0 为排在所有人前面"),
    "login_codes_per_address_per_hour": _l("医院的无线网共用一个地址，不要太小"),
}
CHOICES: dict[str, tuple[tuple[str, object], ...]] = {
    "cancel_until": (
        (CancelUntil.MINUTES_BEFORE.value, _l("就诊前几分钟")),
        (CancelUntil.CLOCK.value, _l("某天的某个钟点")),
    ),
    "late_rule": (
        (LateRule.FROM_ARRIVAL.value, _l("按到达先后")),
        (LateRule.SESSION_END.value, _l("排到本场最后")),
        (LateRule.RE_REGISTER.value, _l("不再接诊，重新挂号")),
    ),
    "passed_comes_back": (
        (PassedComesBack.AT_CHECK_IN.value, _l("重新签到后")),
        (PassedComesBack.BY_ITSELF.value, _l("自动排回")),
    ),
}
BREACHES: dict[str, object] = {
    Breach.NO_SHOW: _l("爽约"),
    Breach.LATE_CANCEL: _l("临时取消"),
    Breach.CANCEL: _l("退号"),
    Breach.SAME_DAY_REFUND: _l("当日退号"),
    Breach.NO_SHOW_OR_LATE_CANCEL: _l("爽约或临时取消"),
}
STEPS: dict[str, object] = {
    Step.END: _l("排到最后"),
    Step.BETWEEN: _l("与新患者穿插"),
    Step.SESSION_END: _l("排到本场最后"),
    Step.VOID: _l("作废，算爽约"),
}
FAULTS: dict[str, object] = {
    "not_valid": _l("“%(label)s”不能这样填写"),
    "unknown": _l("没有“%(label)s”这一项"),
    "window_empty": _l("“最早可约”晚于“最远可约”，没有一天能约"),
    "release_after_day": _l("放号时间不能是 24:00"),
    "release_after_doctor": _l("只能约当天时，放号不能晚于中午"),
    "void_not_last": _l("作废以后不能再有别的步骤"),
    "tiers_in_disorder": _l("退费档次要从早到晚，比例不能越晚越高"),
    "tier_missing": _l("到截止时刻为止，每一段时间都要有退费档次"),
    "partial_refund": _l("目前只能全退（100）或不退（0）"),
    "insured_fee_kept": _l("经医保结算的挂号费，取消时只能全退：退费档次须都是 100"),
    "hold_too_short": _l("要先问医保，未支付的号至少保留 5 分钟"),
    "range_turned": _l("“至少”大于“最多”"),
    "late_cancel_undefined": _l("临时取消计入限约，就要写明多少分钟内算临时取消"),
    "late_cancel_impossible": _l("这个时间以后已经不能取消，不会有临时取消"),
    "outnumbered_slower": _l("回诊患者更多时，间隔不能反而变大"),
    "class_twice": _l("同一个优先代码写了两次"),
    "offer_after_start": _l("候补到的号保留的时间，不能长过停止候补的时间"),
    "never_offered": _l("停止通知要晚于开始通知"),
    "day_above_period": _l("同一天的上限大于总的上限"),
}
