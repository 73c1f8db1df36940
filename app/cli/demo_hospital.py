"""The demo hospital as data: departments, doctors and their shifts, staff, windows and posters. All of it invented."""

from __future__ import annotations

from datetime import time

from app.scheduling.models import HalfDay

PASSWORD = "demo-2026"  # noqa: S105 - the demo's, printed at its start; production has no such staff

# code, name, English name, place, English place, letter of the queue numbers
DEPARTMENTS = (
    ("GI", "消化内科", "Gastroenterology", "门诊楼3层东区", "Building A, floor 3 east", "A"),
    ("CV", "心血管内科", "Cardiology", "门诊楼3层西区", "Building A, floor 3 west", "B"),
    ("PED", "儿科", "Paediatrics", "门诊楼1层北区", "Building A, floor 1 north", "C"),
)
# code, name, title, department, room, fee in fen, good at
DOCTORS = (
    ("D001", "张伟", "主任医师", "GI", "305", 50_00, "胃炎、消化性溃疡、幽门螺杆菌感染"),
    ("D002", "周敏", "副主任医师", "GI", "306", 30_00, "慢性肝病、功能性胃肠病"),
    ("D003", "吴磊", "主治医师", "GI", "307", 15_00, "消化内科常见病"),
    ("D004", "郑洁", "主任医师", "CV", "315", 50_00, "高血压、冠心病"),
    ("D005", "孙强", "副主任医师", "CV", "316", 30_00, "心律失常、心力衰竭"),
    ("D006", "何静", "主治医师", "CV", "317", 15_00, "高血压随访"),
    ("D007", "林涛", "主任医师", "PED", "105", 50_00, "儿童呼吸系统疾病"),
    ("D008", "谢芳", "副主任医师", "PED", "106", 30_00, "儿童消化与营养"),
    ("D009", "马超", "主治医师", "PED", "107", 15_00, "儿科常见病"),
)
# half-day, start, places, minutes each
HALF_DAYS = (
    (HalfDay.AM, time(8, 0), 24, 10),
    (HalfDay.PM, time(13, 30), 24, 10),
    (HalfDay.EVE, time(18, 0), 18, 10),
)
# login, name, roles, practitioner code
STAFF = (
    ("zhang.wei", "张伟", ("doctor",), "D001"),
    ("zheng.jie", "郑洁", ("doctor",), "D004"),
    ("liu.yan", "刘燕", ("nurse",), ""),
    ("li.na", "李娜", ("reviewer",), ""),
    ("wang.fang", "王芳", ("pharmacist",), ""),
    ("chen.jing", "陈静", ("pharmacist",), ""),
    ("zhao.min", "赵敏", ("invoice_clerk",), ""),
    ("zhou.qian", "周倩", ("cashier",), ""),
    ("sun.li", "孙丽", ("finance",), ""),
    ("admin", "系统管理员", ("admin", "operations", "finance", "it", "auditor"), ""),
)
# code, name, place
WINDOWS = (("W1", "1号窗口", "门诊药房1层"), ("W2", "2号窗口", "门诊药房1层"), ("W3", "3号窗口", "门诊药房1层"))
# code, name, English name, latitude and longitude in millionths of a degree, metres that count as near
LOBBIES = (("HALL", "门诊大厅", "Outpatient hall", 39_904_200, 116_407_400, 300),)
# name, place
POSTERS = (("大厅立牌", "门诊大厅入口"), ("电梯海报", "门诊楼2号电梯"), ("社区宣传栏", "仁和社区卫生站"))
# phone, name, identity number without its check digit, policy, account balance in fen
PATIENTS = (
    ("13800138000", "张秀英", "11010519560312002", "retired", 320_00),
    ("13900139000", "李建国", "11010519830705001", "employee", 150_00),
)
