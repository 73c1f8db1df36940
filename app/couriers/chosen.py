"""Which couriers this hospital has: one for every provider that the settings name."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.couriers.alipay import AlipayCourier, alipay_keys
from app.couriers.alipay_bills import AlipayBills
from app.couriers.fiscal import FiscalPlatform
from app.couriers.fsi import FsiInsurer
from app.couriers.fsi_statements import FsiStatements
from app.couriers.hospital_bookings import HospitalBookings
from app.couriers.mobile_insurance import MobilePayCentre
from app.couriers.sms import SmsCourier
from app.couriers.wechat_bills import WeChatBills
from app.couriers.wechat_med_ins import WeChatMedIns
from app.couriers.wechat_oa import OfficialAccount
from app.couriers.wechat_pay import WeChatPayCourier, notification_keys
from app.invoice.own_book import OwnBook
from app.invoice.ports import EInvoicePort
from app.kernel.uow import Units
from app.payment.alipay_notifications import AlipayKeys
from app.payment.mixing import Partners
from app.payment.notifications import NotificationKeys
from app.payment.ports import PaymentProvider
from config import Settings


@dataclass(frozen=True)
class Couriers:
    """The couriers at work; None where a provider is not set up. `notification_keys` open what WeChat Pay tells us.

    `invoices` issues the numbers of invoices: the fiscal platform, or the hospital's own book.
    """

    payments: WeChatPayCourier | None
    notification_keys: NotificationKeys | None
    texts: SmsCourier | None
    wechat: OfficialAccount | None
    insurer: FsiInsurer | None = None
    invoices: EInvoicePort = field(default_factory=OwnBook)
    mobile_insurance: MobilePayCentre | None = None
    mixed: WeChatMedIns | None = None
    alipay: AlipayCourier | None = None
    alipay_keys: AlipayKeys | None = None
    bills: WeChatBills | None = None
    insurer_accounts: FsiStatements | None = None
    alipay_bills: AlipayBills | None = None
    hospital_bookings: HospitalBookings | None = None

    @property
    def mixing(self) -> Partners | None:
        """Whoever is needed to settle and pay an insured bill in one go; None when one of them is missing."""
        if self.payments is None or self.mixed is None or self.mobile_insurance is None:
            return None
        return Partners(self.payments, self.mixed, self.mobile_insurance)

    @property
    def providers(self) -> tuple[PaymentProvider, ...]:
        """Whoever can be asked for a patient's money, the usual one first."""
        return tuple(provider for provider in (self.payments, self.alipay) if provider is not None)


def choose(settings: Settings, units: Units) -> Couriers:
    """The couriers that `settings` have addresses and keys for; none of them makes a call before it is asked."""
    pays = settings.wxpay.is_set_up
    notify_url = f"{settings.base_url}/callbacks/wechat-pay"
    payments = WeChatPayCourier(settings.wxpay, notify_url, units.clock) if pays else None
    return Couriers(
        payments=payments,
        mixed=WeChatMedIns(payments, settings.wxpay, notify_url, units.clock)
        if payments and settings.wxpay.is_mixed_set_up
        else None,
        notification_keys=notification_keys(settings.wxpay) if pays else None,
        texts=SmsCourier(settings.sms) if settings.sms.base_url else None,
        wechat=OfficialAccount(settings.wxoa, units) if settings.wxoa.base_url else None,
        insurer=FsiInsurer(settings.fsi, units.clock) if settings.fsi.is_set_up else None,
        invoices=FiscalPlatform(settings.fiscal) if settings.fiscal.is_set_up else OwnBook(),
        mobile_insurance=MobilePayCentre(settings.mobile_insurance, units.clock)
        if settings.mobile_insurance.is_set_up
        else None,
        alipay=AlipayCourier(settings.alipay, f"{settings.base_url}/callbacks/alipay", units.clock)
        if settings.alipay.is_set_up
        else None,
        alipay_keys=alipay_keys(settings.alipay) if settings.alipay.is_set_up else None,
        alipay_bills=AlipayBills(settings.alipay, "", units.clock) if settings.alipay.is_set_up else None,
        bills=WeChatBills(settings.wxpay, notify_url, units.clock) if pays else None,
        insurer_accounts=FsiStatements(settings.fsi, units.clock) if settings.fsi.is_set_up else None,
        hospital_bookings=HospitalBookings(settings.hospital_statement)
        if settings.hospital_statement.is_set_up
        else None,
    )
