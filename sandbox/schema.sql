-- The books of the outside world. Instants are seconds since 1970, money is fen.
CREATE TABLE IF NOT EXISTS switch (
    provider TEXT NOT NULL,
    mode     TEXT NOT NULL,
    scope    TEXT NOT NULL CHECK (scope IN ('next', 'all')),
    seconds  REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, mode)
);
CREATE TABLE IF NOT EXISTS delivery (
    id           INTEGER PRIMARY KEY,
    provider     TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    event_type   TEXT NOT NULL,
    subject      TEXT NOT NULL,
    url          TEXT NOT NULL,
    payload      TEXT NOT NULL,
    fault        TEXT NOT NULL DEFAULT '',
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dropped', 'given_up')),
    tries        INTEGER NOT NULL DEFAULT 0,
    due_at       REAL NOT NULL,
    last_status  INTEGER,
    created_at   REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_at) WHERE state = 'waiting';

CREATE TABLE IF NOT EXISTS wxpay_nonce (nonce TEXT PRIMARY KEY, seen_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS wxpay_order (
    out_trade_no   TEXT PRIMARY KEY,
    trade_type     TEXT NOT NULL,
    params         TEXT NOT NULL,
    description    TEXT NOT NULL,
    attach         TEXT NOT NULL,
    notify_url     TEXT NOT NULL,
    total_fen      INTEGER NOT NULL CHECK (total_fen > 0),
    openid         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('NOTPAY', 'SUCCESS', 'CLOSED', 'REFUND')),
    transaction_id TEXT UNIQUE,
    created_at     REAL NOT NULL,
    expires_at     REAL NOT NULL,
    paid_at        REAL
);
CREATE TABLE IF NOT EXISTS wxpay_prepay (
    prepay_id    TEXT PRIMARY KEY,
    code_url     TEXT NOT NULL UNIQUE,
    out_trade_no TEXT NOT NULL REFERENCES wxpay_order,
    expires_at   REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS wxpay_refund (
    out_refund_no TEXT PRIMARY KEY,
    refund_id     TEXT NOT NULL UNIQUE,
    out_trade_no  TEXT NOT NULL REFERENCES wxpay_order,
    params        TEXT NOT NULL,
    refund_fen    INTEGER NOT NULL CHECK (refund_fen > 0),
    notify_url    TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('PROCESSING', 'SUCCESS')),
    created_at    REAL NOT NULL,
    due_at        REAL NOT NULL,
    success_at    REAL
);
CREATE TABLE IF NOT EXISTS wxpay_mixed (
    mix_trade_no TEXT PRIMARY KEY,
    out_trade_no TEXT NOT NULL UNIQUE,
    params       TEXT NOT NULL,
    openid       TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('MIX_PAY_CREATED', 'MIX_PAY_SUCCESS', 'MIX_PAY_FAIL', 'MIX_PAY_REFUND')),
    self_state   TEXT NOT NULL,
    med_state    TEXT NOT NULL,
    refunds      TEXT NOT NULL DEFAULT '{}',
    created_at   REAL NOT NULL,
    paid_at      REAL
);
CREATE TABLE IF NOT EXISTS wxpay_bill (token TEXT PRIMARY KEY, content BLOB NOT NULL, expires_at REAL NOT NULL);

-- A trade is UNSEEN while only its code exists, since Alipay hears of it when a payer opens it.
CREATE TABLE IF NOT EXISTS alipay_trade (
    out_trade_no TEXT PRIMARY KEY,
    subject      TEXT NOT NULL,
    total_fen    INTEGER NOT NULL CHECK (total_fen > 0),
    code         TEXT NOT NULL UNIQUE,
    notify_url   TEXT NOT NULL,
    return_url   TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('UNSEEN', 'WAIT_BUYER_PAY', 'TRADE_SUCCESS', 'TRADE_CLOSED')),
    trade_no     TEXT UNIQUE,
    created_at   REAL NOT NULL,
    expires_at   REAL NOT NULL,
    paid_at      REAL
);
CREATE TABLE IF NOT EXISTS alipay_refund (
    out_request_no TEXT PRIMARY KEY,
    out_trade_no   TEXT NOT NULL REFERENCES alipay_trade,
    refund_fen     INTEGER NOT NULL CHECK (refund_fen > 0),
    created_at     REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS alipay_bill (token TEXT PRIMARY KEY, content BLOB NOT NULL, expires_at REAL NOT NULL);

CREATE TABLE IF NOT EXISTS wxoa_user (
    openid     TEXT PRIMARY KEY,
    nickname   TEXT NOT NULL,
    subscribed INTEGER NOT NULL DEFAULT 1,
    blocked    INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS wxoa_token (
    token      TEXT PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('stable', 'plain', 'ticket', 'oauth')),
    expires_at REAL NOT NULL,
    live       INTEGER NOT NULL DEFAULT 1,
    forced     INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS wxoa_code (
    code       TEXT PRIMARY KEY,
    openid     TEXT NOT NULL,
    scope      TEXT NOT NULL,
    expires_at REAL NOT NULL,
    used_at    REAL
);
CREATE TABLE IF NOT EXISTS wxoa_message (
    msgid         INTEGER PRIMARY KEY,
    openid        TEXT NOT NULL,
    template_id   TEXT NOT NULL,
    url           TEXT NOT NULL,
    data          TEXT NOT NULL,
    client_msg_id TEXT UNIQUE,
    status        TEXT NOT NULL,
    created_at    REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS sms_message (
    message_id TEXT PRIMARY KEY,
    client_ref TEXT NOT NULL UNIQUE,
    phone      TEXT NOT NULL,
    template   TEXT NOT NULL,
    params     TEXT NOT NULL,
    state      TEXT NOT NULL,
    repeats    INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS his_received (
    id           INTEGER PRIMARY KEY,
    control_id   TEXT NOT NULL,
    message_type TEXT NOT NULL,
    raw          BLOB NOT NULL,
    answer       BLOB,
    answer_code  TEXT NOT NULL,
    repeats      INTEGER NOT NULL DEFAULT 0,
    received_at  REAL NOT NULL,
    UNIQUE (control_id, message_type)
);
CREATE TABLE IF NOT EXISTS his_sent (
    id         INTEGER PRIMARY KEY,
    control_id TEXT NOT NULL,
    kind       TEXT NOT NULL,
    raw        BLOB NOT NULL,
    ack        BLOB,
    ack_code   TEXT NOT NULL,
    sent_at    REAL NOT NULL
);
-- The appointments that others asked for, each under one number however often they ask.
CREATE TABLE IF NOT EXISTS his_appointment (
    number TEXT PRIMARY KEY,
    placer TEXT NOT NULL UNIQUE,
    doctor TEXT NOT NULL,
    starts TEXT NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('Pending', 'Booked', 'Cancelled'))
);

-- What the hospital system's books hold otherwise than it was told: payments of its own, amounts that were changed.
CREATE TABLE IF NOT EXISTS his_booking_own (control_id TEXT PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS his_booking_changed (control_id TEXT PRIMARY KEY, amount_changed INTEGER NOT NULL);
-- The doctors' time, which others may ask for.
CREATE TABLE IF NOT EXISTS his_time (
    number     TEXT PRIMARY KEY,
    doctor     TEXT NOT NULL,
    department TEXT NOT NULL,
    room       TEXT NOT NULL,
    starts     TEXT NOT NULL,
    minutes    INTEGER NOT NULL CHECK (minutes > 0),
    status     TEXT NOT NULL,
    UNIQUE (doctor, starts)
);

-- A hospital's day that is played: who came, which mishaps were ordered, and which of them struck.
CREATE TABLE IF NOT EXISTS his_fault_plan (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    plan TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS his_mishap (
    id         INTEGER PRIMARY KEY,
    side       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    control_id TEXT NOT NULL,
    attempt    INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS his_visit (
    day    TEXT NOT NULL,
    number TEXT NOT NULL,
    facts  TEXT NOT NULL,
    PRIMARY KEY (day, number)
);

-- The insurer: who is insured, what they have used, and every visit, fee batch and settlement it was told of.
CREATE TABLE IF NOT EXISTS insurer_person (
    psn_no     TEXT PRIMARY KEY,
    card_no    TEXT NOT NULL UNIQUE,
    certno     TEXT NOT NULL,
    psn_name   TEXT NOT NULL,
    policy     TEXT NOT NULL,
    year       INTEGER NOT NULL,
    deductible INTEGER NOT NULL DEFAULT 0 CHECK (deductible >= 0),
    fund       INTEGER NOT NULL DEFAULT 0 CHECK (fund >= 0),
    balance    INTEGER NOT NULL DEFAULT 0 CHECK (balance >= 0)
);
CREATE INDEX IF NOT EXISTS insurer_person_cert ON insurer_person (certno);
CREATE TABLE IF NOT EXISTS insurer_token (
    token      TEXT PRIMARY KEY,
    psn_no     TEXT NOT NULL REFERENCES insurer_person,
    expires_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS insurer_visit (
    mdtrt_id   TEXT PRIMARY KEY,
    psn_no     TEXT NOT NULL REFERENCES insurer_person,
    ipt_otp_no TEXT NOT NULL,
    diagnoses  TEXT NOT NULL DEFAULT '[]',
    state      TEXT NOT NULL CHECK (state IN ('open', 'cancelled'))
);
CREATE TABLE IF NOT EXISTS insurer_fee (
    mdtrt_id   TEXT NOT NULL REFERENCES insurer_visit,
    chrg_bchno TEXT NOT NULL,
    feedetl_sn TEXT NOT NULL,
    code       TEXT NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    count      INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (mdtrt_id, feedetl_sn)
);
CREATE TABLE IF NOT EXISTS insurer_settlement (
    setl_id    TEXT PRIMARY KEY,
    msgid      TEXT NOT NULL UNIQUE,
    mdtrt_id   TEXT NOT NULL REFERENCES insurer_visit,
    psn_no     TEXT NOT NULL,
    chrg_bchno TEXT NOT NULL,
    insutype   TEXT NOT NULL,
    year       INTEGER NOT NULL,
    sums       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('settled', 'cancelled', 'undone')),
    settled_at REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS insurer_one_settlement ON insurer_settlement (mdtrt_id, chrg_bchno)
    WHERE state = 'settled';
CREATE TABLE IF NOT EXISTS insurer_pay_order (
    pay_ord_id  TEXT PRIMARY KEY,
    med_org_ord TEXT NOT NULL UNIQUE,
    psn_no      TEXT NOT NULL,
    mdtrt_id    TEXT NOT NULL REFERENCES insurer_visit,
    chrg_bchno  TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total > 0),
    pay_token   TEXT NOT NULL,
    token_until REAL NOT NULL,
    ord_stas    TEXT NOT NULL CHECK (ord_stas IN ('1', '6', '9', '10')),
    setl_id     TEXT,
    refund_no   TEXT
);
CREATE TABLE IF NOT EXISTS insurer_cancel (msgid TEXT PRIMARY KEY, setl_id TEXT NOT NULL REFERENCES insurer_settlement);
CREATE TABLE IF NOT EXISTS insurer_undone (omsgid TEXT PRIMARY KEY, undone_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS insurer_file (
    file_qury_no TEXT PRIMARY KEY,
    filename     TEXT NOT NULL,
    content      BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS insurer_nonce (nonce TEXT PRIMARY KEY, seen_at REAL NOT NULL);

-- The fiscal e-invoice platform: its bills, blue ones and the red ones that take them back.
CREATE TABLE IF NOT EXISTS fiscal_bill (
    token      TEXT PRIMARY KEY,
    bus_no     TEXT NOT NULL UNIQUE,
    batch_code TEXT NOT NULL,
    number     TEXT NOT NULL,
    check_code TEXT NOT NULL,
    total      INTEGER NOT NULL,
    body       TEXT NOT NULL,
    original   TEXT UNIQUE REFERENCES fiscal_bill,
    issued_at  REAL NOT NULL,
    UNIQUE (batch_code, number)
);
CREATE TABLE IF NOT EXISTS fiscal_noise (noise TEXT PRIMARY KEY, seen_at REAL NOT NULL);
