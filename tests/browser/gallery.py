"""A small site that shows every building block with a day's sample data; it is not part of the hospital's software."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import qrcode
from flask import Blueprint, Flask, Response, render_template, request
from flask_babel import Babel, get_locale
from flask_compress import Compress
from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:"
PATIENT_PAGES = ("/home", "/book", "/bill", "/pickup", "/empty", "/refusal")
STAFF_PAGES = ("/terminal", "/terminal?kind=granted", "/terminal?kind=refused", "/terminal?kind=warn", "/console")
PAGES = (*PATIENT_PAGES, *STAFF_PAGES, "/staff-refusal", "/board")

STEPS = [
    {"title": "挂号", "note": "消化内科 李医生 09:30", "state": "done"},
    {"title": "报到", "note": "08:52 已报到", "state": "done"},
    {"title": "候诊", "note": "3 诊室", "state": "current", "href": "/queue", "action": "查看队列"},
    {"title": "缴费", "state": "todo"},
    {"title": "取药", "state": "problem", "note": "上次的药还有 1 种未取", "href": "/pickup"},
    {"title": "复诊", "state": "todo", "note": "建议 28 天后"},
]
DAYS = [{"label": "今天", "date": "11-22", "note": "无号"}] + [
    {"label": f"周{name}", "date": f"11-{23 + n}", "note": "有号", "href": f"?day={n}", "current": n == 1}
    for n, name in enumerate("一二三四五六")
]
SLOTS = [
    {"time": "08:00–08:30", "note": "已满", "value": "1", "disabled": True},
    {"time": "08:30–09:00", "note": "余 2", "value": "2"},
    {"time": "09:00–09:30", "note": "余 5", "value": "3"},
    {"time": "09:30–10:00", "note": "余 1", "href": "/slot/4"},
]
MEMBERS = [
    {"value": "m1", "label": "张三丰（本人）", "note": "居民医保"},
    {"value": "m2", "label": "李秀英（母亲）", "note": "职工医保"},
    {"value": "m3", "label": "张小明（儿子）", "note": "今天已有同科室的号", "disabled": True},
]
LINES = [
    {
        "name": "阿莫西林胶囊",
        "spec": "0.25g×24粒 × 2 盒",
        "amount": "¥25.60",
        "insurance": "¥20.48",
        "self": "¥5.12",
        "reason": "甲类，基金支付 80%",
    },
    {
        "name": "奥美拉唑肠溶胶囊",
        "spec": "20mg×14粒 × 1 盒",
        "amount": "¥41.00",
        "insurance": "¥29.52",
        "self": "¥11.48",
        "reason": "乙类，先自付 10%，其余基金支付 80%",
    },
    {"name": "普通门诊诊查费", "amount": "¥22.00", "insurance": "¥0.00", "self": "¥22.00", "reason": "丙类，全部自费"},
]
TOTALS = [
    {"label": "合计", "amount": "¥88.60"},
    {"label": "医保基金", "amount": "¥50.00"},
    {"label": "需自付", "amount": "¥38.60", "strong": True},
]
FACTS = [
    {"label": "结算单号", "value": "S20261122000123"},
    {"label": "就诊人", "value": "张三丰", "href": "/me", "action": "切换"},
    {"label": "最近一次应答", "value": "09:42:07", "note": "AA"},
]
MESSAGES = [
    ["09:42:07", "ADT^A04", "MSG20261122094207001", "AA", "查看"],
    ["09:41:55", "OMP^O09", "MSG20261122094155009", "AE 204", Markup('<a href="/replay">重放</a>')],
]
NAV = [
    {"label": "排班", "href": "/s"},
    {"label": "HL7 消息", "href": "/console", "current": True, "badge": "2"},
    {"label": "渠道", "href": "/c"},
    {"label": "审计", "href": "/a"},
]
ROOMS = [
    ["1 诊室", "李明 主任医师", Markup('<b class="serving">A010</b>'), "A013 A014", "6"],
    ["3 诊室", "王芳 副主任医师", Markup('<b class="serving">A012</b>'), "A015 A016", "4"],
    ["5 诊室", "赵强 主治医师", "—", "B003 B004", "2"],
]
SAMPLE = {
    "steps": STEPS,
    "days": DAYS,
    "slots": SLOTS,
    "members": MEMBERS,
    "lines": LINES,
    "totals": TOTALS,
    "facts": FACTS,
    "messages": MESSAGES,
    "rows": ROOMS,
    "hospital_name": "江城市第一人民医院",
    "this_page": lambda: "/",
}
REFUSAL = {
    "title": "这个号已经被约走了",
    "text": "您选择的 09:00–09:30 刚刚约满。",
    "next_text": "请换一个时段，没有扣款。",
    "code": "sold_out",
    "actions": [{"label": "看看别的时段", "href": "/book"}, {"label": "返回首页", "href": "/home"}],
}


def sample_qr() -> Markup:
    """A pickup code drawn as one path."""
    code = qrcode.QRCode(version=1, error_correction=qrcode.ERROR_CORRECT_M, border=4)
    code.add_data("1234567890123456789012")
    matrix = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    return Markup('<svg viewBox="0 0 {0} {0}" shape-rendering="crispEdges"><path d="{1}"/></svg>').format(
        len(matrix), path
    )


def gallery_app() -> Flask:
    """The sample site; `?elder=1` shows it large."""
    app = Flask("gallery", static_folder=str(ROOT / "app/static"), template_folder=str(ROOT / "templates"))
    app.secret_key = "only sample data lives here"
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(ROOT / "templates"), FileSystemLoader(ROOT / "tests/browser/pages")]
    )
    app.config["BABEL_DEFAULT_LOCALE"] = "zh_Hans_CN"
    Babel(app)
    Compress(app)
    app.jinja_env.globals.update(get_locale=get_locale, csrf_token=lambda: "sample-token", is_first_flaw=lambda: False)

    @app.context_processor
    def surroundings() -> dict[str, object]:
        return {**SAMPLE, "elder": "elder" in request.args, "qr": sample_qr(), "kind": request.args.get("kind")}

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    _add_pages(app)
    return app


def _add_pages(app: Flask) -> None:
    patient = Blueprint("patient", __name__)
    for name in ("home", "bills", "reports", "me", "preferences"):
        patient.add_url_rule(f"/tab/{name}", name, lambda: "")
    app.register_blueprint(patient)
    family = {"patient_switch": {"name": "张三丰", "href": "/family"}}
    staff = {
        "surface_name": "门诊药房",
        "staff_name": "王芳 药师",
        "logout_url": "/logout",
        "password_url": "/password",
        "nav": NAV,
    }
    for name in ("home", "book", "bill", "pickup", "empty"):
        app.add_url_rule(f"/{name}", name, lambda name=name: render_template(f"{name}.html", **family))
    for name in ("terminal", "console", "board"):
        app.add_url_rule(f"/{name}", name, lambda name=name: render_template(f"{name}.html", **staff))
    app.add_url_rule(
        "/refusal", "refusal", lambda: render_template("error.html", layout="patient/base.html", **REFUSAL)
    )
    app.add_url_rule(
        "/staff-refusal",
        "staff_refusal",
        lambda: render_template("error.html", layout="staff/base.html", **REFUSAL, **staff),
    )
    app.add_url_rule(
        "/scan", "scan", lambda: f"<!doctype html><title>scan</title><p>{request.form['code']}</p>", methods=["POST"]
    )
    app.add_url_rule("/fragment", "fragment", lambda: Response(status=304))
    app.add_url_rule("/heavy", "heavy", lambda: Response(secrets.token_hex(50_000), mimetype="text/html"))
    app.add_url_rule("/bad", "bad", lambda: render_template("bad.html"))
    app.add_url_rule("/bad.css", "bad_css", lambda: Response(render_template("bad.css"), mimetype="text/css"))


@contextmanager
def running_gallery() -> Iterator[str]:
    """Serves the sample site on a free port of this machine and gives its address."""
    server = make_server("127.0.0.1", 0, gallery_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
