"""The demo hospital's formulary, as data for the seed; names and strengths are real, prices are demo figures."""

from __future__ import annotations

from app.prescription.formulary import DrugIn
from app.prescription.orders import DrugCategory

_PATENT, _HERBAL = DrugCategory.PATENT, DrugCategory.HERBAL

DRUGS = (
    DrugIn("XN01AB", "阿莫西林胶囊", "Amoxicillin", "0.25g×24粒", "胶囊剂", "盒", 12_80, is_excluded_from_long=True),
    DrugIn(
        "CEF250", "头孢呋辛酯片", "Cefuroxime axetil", "0.25g×12片", "片剂", "盒", 26_50, is_excluded_from_long=True
    ),
    DrugIn("XR05CB", "氨溴索口服溶液", "Ambroxol", "100ml", "口服溶液剂", "瓶", 32_40),
    DrugIn("IBU300", "布洛芬缓释胶囊", "Ibuprofen", "0.3g×20粒", "胶囊剂", "盒", 18_60),
    DrugIn("OME20", "奥美拉唑肠溶胶囊", "Omeprazole", "20mg×14粒", "胶囊剂", "盒", 22_40),
    DrugIn("MET500", "盐酸二甲双胍片", "Metformin", "0.5g×20片", "片剂", "盒", 9_60),
    DrugIn("AML5", "苯磺酸氨氯地平片", "Amlodipine", "5mg×28片", "片剂", "盒", 16_90),
    DrugIn("ATO20", "阿托伐他汀钙片", "Atorvastatin", "20mg×7片", "片剂", "盒", 42_30),
    DrugIn("LHQW", "连花清瘟胶囊", "Lianhua Qingwen", "0.35g×24粒", "胶囊剂", "盒", 14_80, _PATENT),
    DrugIn("BLG10", "板蓝根颗粒", "Banlangen granules", "10g×20袋", "颗粒剂", "袋", 19_50, _PATENT),
    DrugIn("VITC", "维生素C泡腾片", "Vitamin C", "1g×10片", "泡腾片", "支", 39_00),
    DrugIn("FISHOIL", "深海鱼油软胶囊", "Fish oil", "1g×60粒", "软胶囊", "瓶", 88_00),
    DrugIn("GANCAO", "甘草", "Liquorice root", "饮片", "中药饮片", "克", 12, _HERBAL),
    DrugIn("HUANGQI", "黄芪", "Astragalus root", "饮片", "中药饮片", "克", 18, _HERBAL),
)
