"""The first tables of the hospital."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "account",
        sa.Column("phone_sealed", sa.String(length=200), nullable=False),
        sa.Column("phone_index", sa.String(length=32), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("is_elder", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("phone_index", name=op.f("uq_account_phone_index")),
        sa.UniqueConstraint("public_id", name=op.f("uq_account_public_id")),
    )
    op.create_table(
        "audit_event",
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_ref", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_ref", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_event_happened_at"), ["happened_at"], unique=False)
        batch_op.create_index("ix_audit_event_subject", ["subject_kind", "subject_ref"], unique=False)

    op.create_table(
        "audit_seal",
        sa.Column("last_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rows", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("last_id", name=op.f("uq_audit_seal_last_id")),
    )
    op.create_table(
        "catalogue_item",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column(
            "chargeable_class",
            sa.Enum("a", "b", "c", name="chargeableclass", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("self_pay_ratio_bp", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("limit_price_fen", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(chargeable_class = 'a' AND self_pay_ratio_bp = 0) OR (chargeable_class = 'b' AND self_pay_ratio_bp BETWEEN 0 AND 10000) OR (chargeable_class = 'c' AND self_pay_ratio_bp = 10000)",
            name=op.f("ck_catalogue_item_ratio_fits_class"),
        ),
        sa.CheckConstraint("limit_price_fen >= 0", name=op.f("ck_catalogue_item_limit_price_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_item")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("uq_catalogue_item_code_valid_from")),
    )
    op.create_table(
        "channel",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "poster",
                "leaflet",
                "article",
                "screen",
                "desk",
                name="channelkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("code", name=op.f("uq_channel_code")),
        sa.UniqueConstraint("public_id", name=op.f("uq_channel_public_id")),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "day_figure",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_figure")),
        sa.UniqueConstraint("day", "name", "key", name=op.f("uq_day_figure_day_name_key")),
    )
    op.create_table(
        "department",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("location", sa.String(length=80), nullable=False),
        sa.Column("location_en", sa.String(length=80), nullable=False),
        sa.Column("ticket_letter", sa.String(length=1), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("code", name=op.f("uq_department_code")),
    )
    op.create_table(
        "device",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "terminal",
                "invoice_window",
                "board",
                name="devicekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("window_code", sa.String(length=24), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("code", name=op.f("uq_device_code")),
        sa.UniqueConstraint("public_id", name=op.f("uq_device_public_id")),
    )
    op.create_table(
        "drug",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("spec", sa.String(length=80), nullable=False),
        sa.Column("dosage_form", sa.String(length=40), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "western", "patent", "herbal", name="drugcategory", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("is_excluded_from_long", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("unit_price_fen >= 0", name=op.f("ck_drug_price_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drug")),
        sa.UniqueConstraint("code", name=op.f("uq_drug_code")),
    )
    op.create_table(
        "inbox",
        sa.Column("source", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "done",
                "filed",
                "refused",
                name="inboxstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=False),
        sa.Column("error_place", sa.String(length=80), nullable=False),
        sa.Column("repeats", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject_ref", sa.String(length=64), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_inbox_source_key")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_received_at"), ["received_at"], unique=False)
        batch_op.create_index("ix_inbox_state", ["source", "state", "id"], unique=False)

    op.create_table(
        "job_heartbeat",
        sa.Column("process", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ran", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("failed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_error", sa.String(length=80), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_heartbeat")),
        sa.UniqueConstraint("process", name=op.f("uq_job_heartbeat_process")),
    )
    op.create_table(
        "message_result",
        sa.Column(
            "channel",
            sa.Enum("wechat", "sms", "inapp", name="channel", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("provider_message_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=60), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_result")),
        sa.UniqueConstraint(
            "channel", "provider_message_id", name=op.f("uq_message_result_channel_provider_message_id")
        ),
    )
    op.create_table(
        "move",
        sa.Column("machine", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_state", sa.String(length=32), nullable=False),
        sa.Column("to_state", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_ref", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_move")),
    )
    with op.batch_alter_table("move", schema=None) as batch_op:
        batch_op.create_index("ix_move_subject", ["machine", "subject_id"], unique=False)

    op.create_table(
        "once_key",
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("location", sa.String(length=300), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_once_key")),
    )
    op.create_table(
        "outbox",
        sa.Column("topic", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sending",
                "sent",
                "dead",
                name="outboxstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("topic", "key", name=op.f("uq_outbox_topic_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_due", ["topic", "state", "due_at"], unique=False)
        batch_op.create_index("ix_outbox_lane", ["topic", "lane", "state", "id"], unique=False)

    op.create_table(
        "patient",
        sa.Column("name_sealed", sa.String(length=800), nullable=False),
        sa.Column("name_masked", sa.String(length=40), nullable=False),
        sa.Column("id_kind", sa.String(length=16), nullable=False),
        sa.Column("id_number_sealed", sa.String(length=200), nullable=False),
        sa.Column("id_number_index", sa.String(length=32), nullable=True),
        sa.Column("phone_sealed", sa.String(length=200), nullable=False),
        sa.Column("phone_index", sa.String(length=32), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column(
            "sex",
            sa.Enum("male", "female", "unknown", name="sex", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("id_number_index", name=op.f("uq_patient_id_number_index")),
        sa.UniqueConstraint("public_id", name=op.f("uq_patient_public_id")),
    )
    with op.batch_alter_table("patient", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_patient_phone_index"), ["phone_index"], unique=False)

    op.create_table(
        "pharmacy_window",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("location", sa.String(length=80), nullable=False),
        sa.Column("bins", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("bins > 0", name=op.f("ck_pharmacy_window_has_bins")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pharmacy_window")),
        sa.UniqueConstraint("code", name=op.f("uq_pharmacy_window_code")),
    )
    op.create_table(
        "phone_code",
        sa.Column("phone_sealed", sa.String(length=200), nullable=False),
        sa.Column("phone_index", sa.String(length=32), nullable=False),
        sa.Column("code_sealed", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_code")),
        sa.UniqueConstraint("public_id", name=op.f("uq_phone_code_public_id")),
    )
    with op.batch_alter_table("phone_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_phone_code_phone_index"), ["phone_index"], unique=False)

    op.create_table(
        "policy",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("deductible_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_ratio_bp", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cap_fen", sa.BigInteger(), nullable=False),
        sa.Column("uses_account", sa.Boolean(), nullable=False),
        sa.Column("is_insured", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("deductible_fen >= 0 AND cap_fen >= 0", name=op.f("ck_policy_not_negative")),
        sa.CheckConstraint("fund_ratio_bp BETWEEN 0 AND 10000", name=op.f("ck_policy_ratio_within_all")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("code", name=op.f("uq_policy_code")),
    )
    op.create_table(
        "provider_token",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("token_sealed", sa.String(length=1200), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_token")),
        sa.UniqueConstraint("name", name=op.f("uq_provider_token_name")),
    )
    op.create_table(
        "rate_count",
        sa.Column("bucket", sa.String(length=120), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "window_start", name=op.f("pk_rate_count")),
    )
    op.create_table(
        "staff",
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("practitioner_code", sa.String(length=24), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("failed_logins", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("login", name=op.f("uq_staff_login")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_public_id")),
    )
    op.create_table(
        "account_channel",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("system", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_channel_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_channel")),
        sa.UniqueConstraint("account_id", "system", name=op.f("uq_account_channel_account_id_system")),
        sa.UniqueConstraint("system", "value", name=op.f("uq_account_channel_system_value")),
    )
    with op.batch_alter_table("account_channel", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_channel_account_id"), ["account_id"], unique=False)

    op.create_table(
        "channel_scan",
        sa.Column("channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_channel_scan_channel_id_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_scan")),
    )
    with op.batch_alter_table("channel_scan", schema=None) as batch_op:
        batch_op.create_index("ix_channel_scan_channel", ["channel_id", "scanned_at"], unique=False)

    op.create_table(
        "coverage",
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("policy_code", sa.String(length=24), nullable=False),
        sa.Column("member_no_sealed", sa.String(length=200), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("deductible_used_fen", sa.BigInteger(), nullable=False),
        sa.Column("cap_used_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "deductible_used_fen >= 0 AND cap_used_fen >= 0 AND account_balance_fen >= 0",
            name=op.f("ck_coverage_not_negative"),
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_coverage_patient_id_patient")),
        sa.ForeignKeyConstraint(["policy_code"], ["policy.code"], name=op.f("fk_coverage_policy_code_policy")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_coverage_patient_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_coverage_public_id")),
    )
    with op.batch_alter_table("coverage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_coverage_policy_code"), ["policy_code"], unique=False)

    op.create_table(
        "invoice_print",
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("what_index", sa.String(length=32), nullable=False),
        sa.Column("terminal_code", sa.String(length=24), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "code",
            sa.Enum(
                "ok",
                "unpaid",
                "no_invoice",
                "unknown_visit",
                "code_expired",
                "unknown_code",
                "not_a_pickup_code",
                "poster_code",
                name="printcode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("printed", sa.JSON(), nullable=False),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_invoice_print_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_print")),
        sa.UniqueConstraint("nonce", name=op.f("uq_invoice_print_nonce")),
        sa.UniqueConstraint("public_id", name=op.f("uq_invoice_print_public_id")),
    )
    with op.batch_alter_table("invoice_print", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_print_printed_at"), ["printed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_print_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "login_session",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_login_session_account_id_account")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_login_session_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_login_session_secret_hash")),
    )
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_session_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_login_session_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("wechat", "sms", "inapp", name="channel", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("template", sa.String(length=24), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("link", sa.String(length=200), nullable=False),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sent",
                "delivered",
                "failed",
                "suppressed",
                name="messagestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("provider_message_id", sa.String(length=64), nullable=True),
        sa.Column("stands_in_for_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("final_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(state IN ('delivered', 'failed', 'suppressed')) = (final_at IS NOT NULL)",
            name=op.f("ck_message_final_has_time"),
        ),
        sa.CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name=op.f("ck_message_sent_has_time")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_message_account_id_account")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_message_patient_id_patient")),
        sa.ForeignKeyConstraint(["stands_in_for_id"], ["message.id"], name=op.f("fk_message_stands_in_for_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("channel", "provider_message_id", name=op.f("uq_message_channel_provider_message_id")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_message_dedupe_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_message_public_id")),
        sa.UniqueConstraint("stands_in_for_id", name=op.f("uq_message_stands_in_for_id")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_inbox", ["account_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_template"), ["template"], unique=False)

    op.create_table(
        "patient_identifier",
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("system", sa.String(length=24), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_identifier_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_identifier")),
        sa.UniqueConstraint("system", "value", name=op.f("uq_patient_identifier_system_value")),
    )
    with op.batch_alter_table("patient_identifier", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_patient_identifier_patient_id"), ["patient_id"], unique=False)

    op.create_table(
        "patient_link",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "relation",
            sa.Enum(
                "self",
                "child",
                "parent",
                "spouse",
                "other",
                name="relation",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_patient_link_account_id_account")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_link_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_link")),
        sa.UniqueConstraint("account_id", "patient_id", name=op.f("uq_patient_link_account_id_patient_id")),
    )
    with op.batch_alter_table("patient_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_patient_link_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_patient_link_patient_id"), ["patient_id"], unique=False)

    op.create_table(
        "practitioner",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("department_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("good_at", sa.String(length=200), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_practitioner_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practitioner")),
        sa.UniqueConstraint("code", name=op.f("uq_practitioner_code")),
    )
    with op.batch_alter_table("practitioner", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_practitioner_department_id"), ["department_id"], unique=False)

    op.create_table(
        "clinic_session",
        sa.Column("department_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("practitioner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visit_day", sa.Date(), nullable=False),
        sa.Column(
            "half_day",
            sa.Enum("am", "pm", "eve", name="halfday", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("room", sa.String(length=24), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open", "closed", "stopped", name="sessionstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("fee_fen >= 0", name=op.f("ck_clinic_session_fee_not_negative")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_clinic_session_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_clinic_session_practitioner_id_practitioner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic_session")),
        sa.UniqueConstraint(
            "practitioner_id",
            "visit_day",
            "half_day",
            name=op.f("uq_clinic_session_practitioner_id_visit_day_half_day"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_clinic_session_public_id")),
    )
    with op.batch_alter_table("clinic_session", schema=None) as batch_op:
        batch_op.create_index("ix_clinic_session_day", ["department_id", "visit_day"], unique=False)
        batch_op.create_index(batch_op.f("ix_clinic_session_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "shift",
        sa.Column("practitioner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("weekday", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "half_day",
            sa.Enum("am", "pm", "eve", name="halfday", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("places", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slot_minutes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("room", sa.String(length=24), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "places > 0 AND slot_minutes BETWEEN 1 AND 30 AND fee_fen >= 0", name=op.f("ck_shift_makes_sense")
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_shift_practitioner_id_practitioner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
        sa.UniqueConstraint(
            "practitioner_id", "weekday", "half_day", name=op.f("uq_shift_practitioner_id_weekday_half_day")
        ),
    )
    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shift_practitioner_id"), ["practitioner_id"], unique=False)

    op.create_table(
        "slot",
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum("free", "held", "taken", name="slotstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("(state = 'free') = (registration_id IS NULL)", name=op.f("ck_slot_free_has_nobody")),
        sa.ForeignKeyConstraint(["session_id"], ["clinic_session.id"], name=op.f("fk_slot_session_id_clinic_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
        sa.UniqueConstraint("session_id", "seq", name=op.f("uq_slot_session_id_seq")),
    )
    with op.batch_alter_table("slot", schema=None) as batch_op:
        batch_op.create_index("ix_slot_free", ["session_id", "state", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_slot_registration_id"), ["registration_id"], unique=False)

    op.create_table(
        "registration",
        sa.Column("visit_number", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("practitioner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visit_day", sa.Date(), nullable=False),
        sa.Column(
            "half_day",
            sa.Enum("am", "pm", "eve", name="halfday", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("place_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "booked",
                "checked_in",
                "in_consultation",
                "completed",
                "expired",
                "cancelled",
                "no_show",
                name="registrationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_code", sa.String(length=32), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("fee_fen >= 0", name=op.f("ck_registration_fee_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_registration_account_id_account")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_registration_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_registration_practitioner_id_practitioner")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["clinic_session.id"], name=op.f("fk_registration_session_id_clinic_session")
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name=op.f("fk_registration_slot_id_slot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("public_id", name=op.f("uq_registration_public_id")),
        sa.UniqueConstraint("visit_number", name=op.f("uq_registration_visit_number")),
    )
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registration_account_id"), ["account_id"], unique=False)
        batch_op.create_index("ix_registration_held", ["state", "held_until"], unique=False)
        batch_op.create_index("ix_registration_patient", ["patient_id", "visit_day"], unique=False)
        batch_op.create_index("ix_registration_session", ["session_id", "state"], unique=False)
        batch_op.create_index(
            "uq_registration_active",
            ["patient_id", "practitioner_id", "visit_day", "half_day"],
            unique=True,
            postgresql_where=sa.text("state IN ('held', 'booked', 'checked_in', 'in_consultation')"),
            sqlite_where=sa.text("state IN ('held', 'booked', 'checked_in', 'in_consultation')"),
        )

    op.create_table(
        "follow_up_plan",
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("practitioner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("department_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("planned_day", sa.Date(), nullable=False),
        sa.Column("due_day", sa.Date(), nullable=False),
        sa.Column(
            "note_code",
            sa.Enum(
                "",
                "bring_results",
                "come_fasting",
                "bring_medicine_box",
                name="note",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "booked",
                "done",
                "cancelled",
                "lapsed",
                name="planstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("revisit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "state <> 'booked' OR revisit_id IS NOT NULL", name=op.f("ck_follow_up_plan_booked_has_place")
        ),
        sa.CheckConstraint("due_day > planned_day", name=op.f("ck_follow_up_plan_due_later")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_follow_up_plan_department_id_department")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_follow_up_plan_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_follow_up_plan_practitioner_id_practitioner")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_follow_up_plan_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(
            ["revisit_id"], ["registration.id"], name=op.f("fk_follow_up_plan_revisit_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_plan")),
        sa.UniqueConstraint("public_id", name=op.f("uq_follow_up_plan_public_id")),
    )
    with op.batch_alter_table("follow_up_plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_up_plan_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_plan_due_day"), ["due_day"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_plan_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_plan_practitioner_id"), ["practitioner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_plan_registration_id"), ["registration_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_plan_revisit_id"), ["revisit_id"], unique=False)
        batch_op.create_index(
            "uq_follow_up_plan_active",
            ["registration_id"],
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )

    op.create_table(
        "funnel_step",
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "held",
                "booked",
                "arrived",
                "prescribed",
                "collected",
                "revisit",
                name="stage",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("source_code", sa.String(length=32), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_funnel_step_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funnel_step")),
        sa.UniqueConstraint("registration_id", "stage", name=op.f("uq_funnel_step_registration_id_stage")),
    )
    with op.batch_alter_table("funnel_step", schema=None) as batch_op:
        batch_op.create_index("ix_funnel_step_source", ["stage", "reached_at", "source_code"], unique=False)

    op.create_table(
        "prescription",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issuer", sa.String(length=48), nullable=False),
        sa.Column(
            "source",
            sa.Enum("his", "desk", name="prescriptionsource", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "ordinary",
                "emergency",
                "paediatric",
                name="prescriptionkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prescriber_staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("prescriber_code", sa.String(length=40), nullable=False),
        sa.Column("prescriber_name", sa.String(length=60), nullable=False),
        sa.Column("department_name", sa.String(length=60), nullable=False),
        sa.Column("diagnosis_sealed", sa.Text(), nullable=False),
        sa.Column("long_course_reason_sealed", sa.Text(), nullable=False),
        sa.Column("content_index", sa.String(length=32), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "issued",
                "approved",
                "returned",
                "billed",
                "paid",
                "dispensed",
                "voided",
                "expired",
                name="prescriptionstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("total_fen >= 0", name=op.f("ck_prescription_total_not_negative")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_prescription_version_from_one")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_prescription_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["prescriber_staff_id"], ["staff.id"], name=op.f("fk_prescription_prescriber_staff_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_prescription_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription")),
        sa.UniqueConstraint("issuer", "number", "version", name=op.f("uq_prescription_issuer_number_version")),
        sa.UniqueConstraint("public_id", name=op.f("uq_prescription_public_id")),
    )
    with op.batch_alter_table("prescription", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_prescription_number"), ["number"], unique=False)
        batch_op.create_index(batch_op.f("ix_prescription_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_prescription_prescriber_staff_id"), ["prescriber_staff_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_prescription_received_at"), ["received_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_prescription_registration_id"), ["registration_id"], unique=False)
        batch_op.create_index("ix_prescription_state_valid_until", ["state", "valid_until"], unique=False)
        batch_op.create_index(
            "uq_prescription_live_number",
            ["issuer", "number"],
            unique=True,
            sqlite_where=sa.text("state NOT IN ('voided', 'expired')"),
            postgresql_where=sa.text("state NOT IN ('voided', 'expired')"),
        )

    op.create_table(
        "report",
        sa.Column("source", sa.String(length=48), nullable=False),
        sa.Column("filler_number", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "preliminary",
                "final",
                "corrected",
                "withdrawn",
                name="reportstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_report_version_from_one")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_report_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_report_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("public_id", name=op.f("uq_report_public_id")),
        sa.UniqueConstraint("source", "filler_number", name=op.f("uq_report_source_filler_number")),
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index("ix_report_patient", ["patient_id", "reported_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_registration_id"), ["registration_id"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("department_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visit_day", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("room", sa.String(length=24), nullable=False),
        sa.Column("priority", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "called",
                "serving",
                "passed",
                "done",
                "void",
                name="ticketstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("order_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calls", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_ticket_department_id_department")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_ticket_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_ticket_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["clinic_session.id"], name=op.f("fk_ticket_session_id_clinic_session")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint(
            "department_id", "visit_day", "number", name=op.f("uq_ticket_department_id_visit_day_number")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_ticket_public_id")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_ticket_registration_id")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index("ix_ticket_queue", ["session_id", "state", "priority", "order_at"], unique=False)

    op.create_table(
        "observation",
        sa.Column("report_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("value_sealed", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=40), nullable=False),
        sa.Column("reference_range", sa.String(length=80), nullable=False),
        sa.Column("flag", sa.String(length=8), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_observation_report_id_report")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
        sa.UniqueConstraint("report_id", "version", "seq", name=op.f("uq_observation_report_id_version_seq")),
    )
    op.create_table(
        "prescription_line",
        sa.Column("prescription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("drug_code", sa.String(length=40), nullable=False),
        sa.Column("drug_name", sa.String(length=120), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "western", "patent", "herbal", name="drugcategory", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("spec", sa.String(length=80), nullable=False),
        sa.Column("dose", sa.String(length=60), nullable=False),
        sa.Column("route", sa.String(length=40), nullable=False),
        sa.Column("frequency", sa.String(length=40), nullable=False),
        sa.Column("days", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "amount_fen = quantity * unit_price_fen", name=op.f("ck_prescription_line_amount_is_quantity_times_price")
        ),
        sa.CheckConstraint(
            "quantity > 0 AND days > 0 AND unit_price_fen >= 0", name=op.f("ck_prescription_line_figures_in_range")
        ),
        sa.ForeignKeyConstraint(["drug_code"], ["drug.code"], name=op.f("fk_prescription_line_drug_code_drug")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_prescription_line_prescription_id_prescription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription_line")),
        sa.UniqueConstraint("prescription_id", "line_no", name=op.f("uq_prescription_line_prescription_id_line_no")),
    )
    with op.batch_alter_table("prescription_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_prescription_line_drug_code"), ["drug_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_prescription_line_prescription_id"), ["prescription_id"], unique=False)

    op.create_table(
        "reminder",
        sa.Column("plan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "stage",
            sa.Enum("7d", "3d", "1d", name="stage", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "told",
                "suppressed",
                name="reminderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name=op.f("ck_reminder_told_has_time")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_reminder_account_id_account")),
        sa.ForeignKeyConstraint(["plan_id"], ["follow_up_plan.id"], name=op.f("fk_reminder_plan_id_follow_up_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("plan_id", "stage", "account_id", name=op.f("uq_reminder_plan_id_stage_account_id")),
    )
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reminder_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_reminder_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'planned'"),
            postgresql_where=sa.text("state = 'planned'"),
        )
        batch_op.create_index(batch_op.f("ix_reminder_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "review",
        sa.Column("prescription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "approved", "returned", name="reviewdecision", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_review_prescription_id_prescription")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_review_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("prescription_id", name=op.f("uq_review_prescription_id")),
    )
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_review_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "split",
        sa.Column("prescription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("coverage_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("policy_code", sa.String(length=24), nullable=False),
        sa.Column("year", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "made",
                "settled",
                "reversed",
                "void",
                name="splitstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("full_self_fen", sa.BigInteger(), nullable=False),
        sa.Column("over_limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("pre_self_fen", sa.BigInteger(), nullable=False),
        sa.Column("in_scope_fen", sa.BigInteger(), nullable=False),
        sa.Column("deductible_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "full_self_fen >= 0 AND over_limit_fen >= 0 AND pre_self_fen >= 0 AND in_scope_fen >= 0 AND deductible_fen >= 0 AND fund_fen >= 0 AND other_fen >= 0 AND account_fen >= 0 AND cash_fen >= 0",
            name=op.f("ck_split_not_negative"),
        ),
        sa.CheckConstraint("fund_fen <= in_scope_fen - deductible_fen", name=op.f("ck_split_fund_within_scope")),
        sa.CheckConstraint(
            "total_fen = full_self_fen + over_limit_fen + pre_self_fen + in_scope_fen",
            name=op.f("ck_split_scopes_add_up"),
        ),
        sa.CheckConstraint(
            "total_fen = fund_fen + other_fen + account_fen + cash_fen", name=op.f("ck_split_payers_add_up")
        ),
        sa.ForeignKeyConstraint(["coverage_id"], ["coverage.id"], name=op.f("fk_split_coverage_id_coverage")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_split_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_split_prescription_id_prescription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split")),
        sa.UniqueConstraint("public_id", name=op.f("uq_split_public_id")),
    )
    with op.batch_alter_table("split", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_split_coverage_id"), ["coverage_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_split_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_split_prescription_id"), ["prescription_id"], unique=False)
        batch_op.create_index(
            "uq_split_live_prescription",
            ["prescription_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('made', 'settled')"),
            postgresql_where=sa.text("state IN ('made', 'settled')"),
        )

    op.create_table(
        "bill",
        sa.Column(
            "purpose",
            sa.Enum(
                "registration", "prescription", name="purpose", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("split_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "paid",
                "void",
                "refunding",
                "refunded",
                name="billstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "fund_fen >= 0 AND other_fen >= 0 AND account_fen >= 0 AND cash_fen >= 0",
            name=op.f("ck_bill_parts_not_negative"),
        ),
        sa.CheckConstraint(
            "total_fen = fund_fen + other_fen + account_fen + cash_fen", name=op.f("ck_bill_parts_add_up")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_bill_account_id_account")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_bill_patient_id_patient")),
        sa.ForeignKeyConstraint(["split_id"], ["split.id"], name=op.f("fk_bill_split_id_split")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bill_public_id")),
    )
    with op.batch_alter_table("bill", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bill_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bill_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bill_split_id"), ["split_id"], unique=False)
        batch_op.create_index("ix_bill_subject", ["purpose", "subject_id"], unique=False)
        batch_op.create_index(
            "uq_bill_open",
            ["purpose", "subject_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "split_line",
        sa.Column("split_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("drug_code", sa.String(length=40), nullable=False),
        sa.Column("drug_name", sa.String(length=120), nullable=False),
        sa.Column(
            "chargeable_class",
            sa.Enum("a", "b", "c", name="chargeableclass", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("ratio_bp", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("limit_price_fen", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("full_self_fen", sa.BigInteger(), nullable=False),
        sa.Column("over_limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("pre_self_fen", sa.BigInteger(), nullable=False),
        sa.Column("in_scope_fen", sa.BigInteger(), nullable=False),
        sa.Column("deductible_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "amount_fen = full_self_fen + over_limit_fen + pre_self_fen + in_scope_fen",
            name=op.f("ck_split_line_scopes_add_up"),
        ),
        sa.CheckConstraint(
            "amount_fen = fund_fen + other_fen + account_fen + cash_fen", name=op.f("ck_split_line_payers_add_up")
        ),
        sa.CheckConstraint(
            "full_self_fen >= 0 AND over_limit_fen >= 0 AND pre_self_fen >= 0 AND in_scope_fen >= 0 AND deductible_fen >= 0 AND fund_fen >= 0 AND other_fen >= 0 AND account_fen >= 0 AND cash_fen >= 0",
            name=op.f("ck_split_line_not_negative"),
        ),
        sa.CheckConstraint("fund_fen <= in_scope_fen - deductible_fen", name=op.f("ck_split_line_fund_within_scope")),
        sa.ForeignKeyConstraint(["split_id"], ["split.id"], name=op.f("fk_split_line_split_id_split")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split_line")),
        sa.UniqueConstraint("split_id", "line_no", name=op.f("uq_split_line_split_id_line_no")),
    )
    with op.batch_alter_table("split_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_split_line_split_id"), ["split_id"], unique=False)

    op.create_table(
        "bag",
        sa.Column("prescription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pickup_no12", sa.String(length=12), nullable=False),
        sa.Column("bag_code", sa.String(length=13), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("window_code", sa.String(length=24), nullable=False),
        sa.Column("bin_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "unpaid",
                "queued",
                "picking",
                "ready",
                "being_served",
                "collected",
                "cancelled",
                name="bagstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("picker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("checker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("serving_terminal", sa.String(length=24), nullable=False),
        sa.Column("serving_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collected_window", sa.String(length=24), nullable=False),
        sa.Column("collected_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(state = 'collected') = (collected_at IS NOT NULL)", name=op.f("ck_bag_collected_has_time")
        ),
        sa.CheckConstraint("checker_id IS NULL OR checker_id <> picker_id", name=op.f("ck_bag_two_persons")),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_bag_bill_id_bill")),
        sa.ForeignKeyConstraint(["checker_id"], ["staff.id"], name=op.f("fk_bag_checker_id_staff")),
        sa.ForeignKeyConstraint(["collected_by"], ["staff.id"], name=op.f("fk_bag_collected_by_staff")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_bag_patient_id_patient")),
        sa.ForeignKeyConstraint(["picker_id"], ["staff.id"], name=op.f("fk_bag_picker_id_staff")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_bag_prescription_id_prescription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bag")),
        sa.UniqueConstraint("bag_code", name=op.f("uq_bag_bag_code")),
        sa.UniqueConstraint("pickup_no12", name=op.f("uq_bag_pickup_no12")),
        sa.UniqueConstraint("prescription_id", name=op.f("uq_bag_prescription_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bag_public_id")),
    )
    with op.batch_alter_table("bag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bag_bill_id"), ["bill_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bag_checker_id"), ["checker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bag_collected_by"), ["collected_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_bag_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bag_picker_id"), ["picker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_bag_ready_at"), ["ready_at"], unique=False)
        batch_op.create_index("ix_bag_window", ["window_code", "state", "id"], unique=False)

    op.create_table(
        "bill_line",
        sa.Column("bill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("invoice_category", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("spec", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "amount_fen = fund_fen + other_fen + account_fen + cash_fen", name=op.f("ck_bill_line_parts_add_up")
        ),
        sa.CheckConstraint(
            "fund_fen >= 0 AND other_fen >= 0 AND account_fen >= 0 AND cash_fen >= 0",
            name=op.f("ck_bill_line_parts_not_negative"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_bill_line_quantity_positive")),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_bill_line_bill_id_bill")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_line")),
        sa.UniqueConstraint("bill_id", "line_no", name=op.f("uq_bill_line_bill_id_line_no")),
    )
    op.create_table(
        "invoice",
        sa.Column("batch_code", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=10), nullable=False),
        sa.Column("check_code", sa.String(length=6), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("blue", "red", name="invoicekind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "issued", "red_lettered", name="invoicestate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("original_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("bill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("self_part_fen", sa.BigInteger(), nullable=False),
        sa.Column("self_fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("data_sealed", sa.Text(), nullable=False),
        sa.Column("printed_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'blue' AND total_fen >= 0) OR (kind = 'red' AND total_fen <= 0)",
            name=op.f("ck_invoice_sign_of_kind"),
        ),
        sa.CheckConstraint("(kind = 'blue') = (original_id IS NULL)", name=op.f("ck_invoice_red_names_its_original")),
        sa.CheckConstraint(
            "self_part_fen + self_fee_fen = account_fen + cash_fen", name=op.f("ck_invoice_own_share_adds_up")
        ),
        sa.CheckConstraint(
            "total_fen = fund_fen + other_fen + account_fen + cash_fen", name=op.f("ck_invoice_payers_add_up")
        ),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_invoice_bill_id_bill")),
        sa.ForeignKeyConstraint(["original_id"], ["invoice.id"], name=op.f("fk_invoice_original_id_invoice")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_invoice_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_invoice_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("batch_code", "number", name=op.f("uq_invoice_batch_code_number")),
        sa.UniqueConstraint("original_id", name=op.f("uq_invoice_original_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_invoice_public_id")),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_bill_id"), ["bill_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_issued_at"), ["issued_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_registration_id"), ["registration_id"], unique=False)
        batch_op.create_index(
            "uq_invoice_valid",
            ["bill_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'blue' AND state = 'issued'"),
            postgresql_where=sa.text("kind = 'blue' AND state = 'issued'"),
        )

    op.create_table(
        "payment_order",
        sa.Column("bill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column(
            "method",
            sa.Enum("jsapi", "native", name="paymethod", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("live_key", sa.String(length=40), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "created",
                "asked",
                "unknown",
                "paid",
                "closed",
                "mismatch",
                "refund_due",
                "refunded",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("prepay_id", sa.String(length=64), nullable=False),
        sa.Column("code_url", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("query_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("close_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=True),
        sa.Column("payer_index", sa.String(length=32), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settles_bill", sa.Boolean(), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_order_amount_positive")),
        sa.CheckConstraint("paid_fen IN (0, amount_fen)", name=op.f("ck_payment_order_paid_in_full_or_not")),
        sa.CheckConstraint(
            "refunded_fen >= 0 AND refunded_fen <= paid_fen", name=op.f("ck_payment_order_refunded_within_paid")
        ),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_payment_order_bill_id_bill")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_order")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_payment_order_out_trade_no")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payment_order_public_id")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_payment_order_transaction_id")),
    )
    with op.batch_alter_table("payment_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_order_bill_id"), ["bill_id"], unique=False)
        batch_op.create_index("ix_payment_order_due", ["state", "query_due_at"], unique=False)
        batch_op.create_index(
            "uq_payment_order_live",
            ["bill_id", "live_key"],
            unique=True,
            sqlite_where=sa.text("state IN ('created', 'asked', 'unknown')"),
            postgresql_where=sa.text("state IN ('created', 'asked', 'unknown')"),
        )
        batch_op.create_index(
            "uq_payment_order_settles",
            ["bill_id"],
            unique=True,
            sqlite_where=sa.text("settles_bill"),
            postgresql_where=sa.text("settles_bill"),
        )

    op.create_table(
        "dispense",
        sa.Column("bag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prescription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "completed",
                "entered_in_error",
                name="dispensestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_code", sa.String(length=24), nullable=False),
        sa.Column("terminal_code", sa.String(length=24), nullable=False),
        sa.Column("picker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("checker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identity_fact",
            sa.Enum(
                "phone_tail",
                "birth_date",
                "id_card",
                name="identityfact",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_reason", sa.String(length=200), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(state = 'entered_in_error') = (undone_at IS NOT NULL)", name=op.f("ck_dispense_undone_has_time")
        ),
        sa.ForeignKeyConstraint(["bag_id"], ["bag.id"], name=op.f("fk_dispense_bag_id_bag")),
        sa.ForeignKeyConstraint(["checker_id"], ["staff.id"], name=op.f("fk_dispense_checker_id_staff")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_dispense_patient_id_patient")),
        sa.ForeignKeyConstraint(["picker_id"], ["staff.id"], name=op.f("fk_dispense_picker_id_staff")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_dispense_prescription_id_prescription")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_dispense_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispense")),
        sa.UniqueConstraint("public_id", name=op.f("uq_dispense_public_id")),
    )
    with op.batch_alter_table("dispense", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispense_bag_id"), ["bag_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispense_checker_id"), ["checker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispense_handed_over_at"), ["handed_over_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispense_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispense_picker_id"), ["picker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispense_prescription_id"), ["prescription_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispense_staff_id"), ["staff_id"], unique=False)
        batch_op.create_index(
            "uq_dispense_standing",
            ["bag_id"],
            unique=True,
            sqlite_where=sa.text("state = 'completed'"),
            postgresql_where=sa.text("state = 'completed'"),
        )

    op.create_table(
        "invoice_item",
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_item_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_item")),
        sa.UniqueConstraint("invoice_id", "seq", name=op.f("uq_invoice_item_invoice_id_seq")),
    )
    op.create_table(
        "refund",
        sa.Column("bill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payment_order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("out_refund_no", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "sent",
                "succeeded",
                "failed",
                name="refundstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("query_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=64), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(payment_order_id IS NULL AND amount_fen = 0) OR (payment_order_id IS NOT NULL AND amount_fen > 0)",
            name=op.f("ck_refund_amount_fits_order"),
        ),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_refund_bill_id_bill")),
        sa.ForeignKeyConstraint(
            ["payment_order_id"], ["payment_order.id"], name=op.f("fk_refund_payment_order_id_payment_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("out_refund_no", name=op.f("uq_refund_out_refund_no")),
        sa.UniqueConstraint("public_id", name=op.f("uq_refund_public_id")),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_bill_id"), ["bill_id"], unique=False)
        batch_op.create_index("ix_refund_due", ["state", "query_due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_payment_order_id"), ["payment_order_id"], unique=False)

    op.create_table(
        "scan",
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("what_index", sa.String(length=32), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("pickup", "bag", name="scankind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("terminal_code", sa.String(length=24), nullable=False),
        sa.Column("window_code", sa.String(length=24), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("bag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "verdict",
            sa.Enum("granted", "refused", name="verdict", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "code",
            sa.Enum(
                "ok",
                "already_collected",
                "unpaid",
                "not_ready",
                "wrong_window",
                "being_served",
                "cancelled",
                "code_expired",
                "unknown_code",
                "not_a_pickup_code",
                "poster_code",
                "wrong_bag",
                "unknown_bag",
                "not_a_bag_label",
                "not_served_here",
                name="scancode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["bag_id"], ["bag.id"], name=op.f("fk_scan_bag_id_bag")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_scan_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
        sa.UniqueConstraint("nonce", name=op.f("uq_scan_nonce")),
        sa.UniqueConstraint("public_id", name=op.f("uq_scan_public_id")),
    )
    with op.batch_alter_table("scan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scan_bag_id"), ["bag_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_scan_scanned_at"), ["scanned_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_scan_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "dispense_check",
        sa.Column("dispense_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "form",
                "drugs",
                "incompatibility",
                "reasonable_use",
                name="checkkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["dispense_id"], ["dispense.id"], name=op.f("fk_dispense_check_dispense_id_dispense")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_dispense_check_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispense_check")),
        sa.UniqueConstraint("dispense_id", "kind", name=op.f("uq_dispense_check_dispense_id_kind")),
    )
    with op.batch_alter_table("dispense_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispense_check_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "dispense_line",
        sa.Column("dispense_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("drug_code", sa.String(length=40), nullable=False),
        sa.Column("drug_name", sa.String(length=120), nullable=False),
        sa.Column("spec", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_dispense_line_something")),
        sa.ForeignKeyConstraint(["dispense_id"], ["dispense.id"], name=op.f("fk_dispense_line_dispense_id_dispense")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispense_line")),
        sa.UniqueConstraint("dispense_id", "line_no", name=op.f("uq_dispense_line_dispense_id_line_no")),
    )


def downgrade() -> None:

    op.drop_table("dispense_line")
    with op.batch_alter_table("dispense_check", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispense_check_staff_id"))

    op.drop_table("dispense_check")
    with op.batch_alter_table("scan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scan_staff_id"))
        batch_op.drop_index(batch_op.f("ix_scan_scanned_at"))
        batch_op.drop_index(batch_op.f("ix_scan_bag_id"))

    op.drop_table("scan")
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_payment_order_id"))
        batch_op.drop_index("ix_refund_due")
        batch_op.drop_index(batch_op.f("ix_refund_bill_id"))

    op.drop_table("refund")
    op.drop_table("invoice_item")
    with op.batch_alter_table("dispense", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_dispense_standing",
            sqlite_where=sa.text("state = 'completed'"),
            postgresql_where=sa.text("state = 'completed'"),
        )
        batch_op.drop_index(batch_op.f("ix_dispense_staff_id"))
        batch_op.drop_index(batch_op.f("ix_dispense_prescription_id"))
        batch_op.drop_index(batch_op.f("ix_dispense_picker_id"))
        batch_op.drop_index(batch_op.f("ix_dispense_patient_id"))
        batch_op.drop_index(batch_op.f("ix_dispense_handed_over_at"))
        batch_op.drop_index(batch_op.f("ix_dispense_checker_id"))
        batch_op.drop_index(batch_op.f("ix_dispense_bag_id"))

    op.drop_table("dispense")
    with op.batch_alter_table("payment_order", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_payment_order_settles", sqlite_where=sa.text("settles_bill"), postgresql_where=sa.text("settles_bill")
        )
        batch_op.drop_index(
            "uq_payment_order_live",
            sqlite_where=sa.text("state IN ('created', 'asked', 'unknown')"),
            postgresql_where=sa.text("state IN ('created', 'asked', 'unknown')"),
        )
        batch_op.drop_index("ix_payment_order_due")
        batch_op.drop_index(batch_op.f("ix_payment_order_bill_id"))

    op.drop_table("payment_order")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_invoice_valid",
            sqlite_where=sa.text("kind = 'blue' AND state = 'issued'"),
            postgresql_where=sa.text("kind = 'blue' AND state = 'issued'"),
        )
        batch_op.drop_index(batch_op.f("ix_invoice_registration_id"))
        batch_op.drop_index(batch_op.f("ix_invoice_patient_id"))
        batch_op.drop_index(batch_op.f("ix_invoice_issued_at"))
        batch_op.drop_index(batch_op.f("ix_invoice_bill_id"))

    op.drop_table("invoice")
    op.drop_table("bill_line")
    with op.batch_alter_table("bag", schema=None) as batch_op:
        batch_op.drop_index("ix_bag_window")
        batch_op.drop_index(batch_op.f("ix_bag_ready_at"))
        batch_op.drop_index(batch_op.f("ix_bag_picker_id"))
        batch_op.drop_index(batch_op.f("ix_bag_patient_id"))
        batch_op.drop_index(batch_op.f("ix_bag_collected_by"))
        batch_op.drop_index(batch_op.f("ix_bag_checker_id"))
        batch_op.drop_index(batch_op.f("ix_bag_bill_id"))

    op.drop_table("bag")
    with op.batch_alter_table("split_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_split_line_split_id"))

    op.drop_table("split_line")
    with op.batch_alter_table("bill", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_bill_open", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        )
        batch_op.drop_index("ix_bill_subject")
        batch_op.drop_index(batch_op.f("ix_bill_split_id"))
        batch_op.drop_index(batch_op.f("ix_bill_patient_id"))
        batch_op.drop_index(batch_op.f("ix_bill_account_id"))

    op.drop_table("bill")
    with op.batch_alter_table("split", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_split_live_prescription",
            sqlite_where=sa.text("state IN ('made', 'settled')"),
            postgresql_where=sa.text("state IN ('made', 'settled')"),
        )
        batch_op.drop_index(batch_op.f("ix_split_prescription_id"))
        batch_op.drop_index(batch_op.f("ix_split_patient_id"))
        batch_op.drop_index(batch_op.f("ix_split_coverage_id"))

    op.drop_table("split")
    with op.batch_alter_table("review", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_staff_id"))

    op.drop_table("review")
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reminder_plan_id"))
        batch_op.drop_index(
            "ix_reminder_due", sqlite_where=sa.text("state = 'planned'"), postgresql_where=sa.text("state = 'planned'")
        )
        batch_op.drop_index(batch_op.f("ix_reminder_account_id"))

    op.drop_table("reminder")
    with op.batch_alter_table("prescription_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_prescription_line_prescription_id"))
        batch_op.drop_index(batch_op.f("ix_prescription_line_drug_code"))

    op.drop_table("prescription_line")
    op.drop_table("observation")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_queue")
        batch_op.drop_index(batch_op.f("ix_ticket_patient_id"))

    op.drop_table("ticket")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_registration_id"))
        batch_op.drop_index("ix_report_patient")

    op.drop_table("report")
    with op.batch_alter_table("prescription", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_prescription_live_number",
            sqlite_where=sa.text("state NOT IN ('voided', 'expired')"),
            postgresql_where=sa.text("state NOT IN ('voided', 'expired')"),
        )
        batch_op.drop_index("ix_prescription_state_valid_until")
        batch_op.drop_index(batch_op.f("ix_prescription_registration_id"))
        batch_op.drop_index(batch_op.f("ix_prescription_received_at"))
        batch_op.drop_index(batch_op.f("ix_prescription_prescriber_staff_id"))
        batch_op.drop_index(batch_op.f("ix_prescription_patient_id"))
        batch_op.drop_index(batch_op.f("ix_prescription_number"))

    op.drop_table("prescription")
    with op.batch_alter_table("funnel_step", schema=None) as batch_op:
        batch_op.drop_index("ix_funnel_step_source")

    op.drop_table("funnel_step")
    with op.batch_alter_table("follow_up_plan", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_follow_up_plan_active",
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_revisit_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_registration_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_practitioner_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_patient_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_due_day"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_department_id"))

    op.drop_table("follow_up_plan")
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_registration_active",
            postgresql_where=sa.text("state IN ('held', 'booked', 'checked_in', 'in_consultation')"),
            sqlite_where=sa.text("state IN ('held', 'booked', 'checked_in', 'in_consultation')"),
        )
        batch_op.drop_index("ix_registration_session")
        batch_op.drop_index("ix_registration_patient")
        batch_op.drop_index("ix_registration_held")
        batch_op.drop_index(batch_op.f("ix_registration_account_id"))

    op.drop_table("registration")
    with op.batch_alter_table("slot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_slot_registration_id"))
        batch_op.drop_index("ix_slot_free")

    op.drop_table("slot")
    with op.batch_alter_table("shift", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shift_practitioner_id"))

    op.drop_table("shift")
    with op.batch_alter_table("clinic_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_clinic_session_ends_at"))
        batch_op.drop_index("ix_clinic_session_day")

    op.drop_table("clinic_session")
    with op.batch_alter_table("practitioner", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_practitioner_department_id"))

    op.drop_table("practitioner")
    with op.batch_alter_table("patient_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_patient_link_patient_id"))
        batch_op.drop_index(batch_op.f("ix_patient_link_account_id"))

    op.drop_table("patient_link")
    with op.batch_alter_table("patient_identifier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_patient_identifier_patient_id"))

    op.drop_table("patient_identifier")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_template"))
        batch_op.drop_index(batch_op.f("ix_message_state"))
        batch_op.drop_index(batch_op.f("ix_message_patient_id"))
        batch_op.drop_index("ix_message_inbox")

    op.drop_table("message")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_session_staff_id"))
        batch_op.drop_index(batch_op.f("ix_login_session_account_id"))

    op.drop_table("login_session")
    with op.batch_alter_table("invoice_print", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_print_staff_id"))
        batch_op.drop_index(batch_op.f("ix_invoice_print_printed_at"))

    op.drop_table("invoice_print")
    with op.batch_alter_table("coverage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_coverage_policy_code"))

    op.drop_table("coverage")
    with op.batch_alter_table("channel_scan", schema=None) as batch_op:
        batch_op.drop_index("ix_channel_scan_channel")

    op.drop_table("channel_scan")
    with op.batch_alter_table("account_channel", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_channel_account_id"))

    op.drop_table("account_channel")
    op.drop_table("staff")
    op.drop_table("rate_count")
    op.drop_table("provider_token")
    op.drop_table("policy")
    with op.batch_alter_table("phone_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_phone_code_phone_index"))

    op.drop_table("phone_code")
    op.drop_table("pharmacy_window")
    with op.batch_alter_table("patient", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_patient_phone_index"))

    op.drop_table("patient")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_lane")
        batch_op.drop_index("ix_outbox_due")

    op.drop_table("outbox")
    op.drop_table("once_key")
    with op.batch_alter_table("move", schema=None) as batch_op:
        batch_op.drop_index("ix_move_subject")

    op.drop_table("move")
    op.drop_table("message_result")
    op.drop_table("job_heartbeat")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_state")
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))

    op.drop_table("inbox")
    op.drop_table("drug")
    op.drop_table("device")
    op.drop_table("department")
    op.drop_table("day_figure")
    op.drop_table("counter")
    op.drop_table("channel")
    op.drop_table("catalogue_item")
    op.drop_table("audit_seal")
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_event_subject")
        batch_op.drop_index(batch_op.f("ix_audit_event_happened_at"))

    op.drop_table("audit_event")
    op.drop_table("account")
