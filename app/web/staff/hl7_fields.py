"""What the fields of the commonest segments are called (HL7 v2.5.1, chapters 2 to 10), in the standard's words."""

from __future__ import annotations

_NAMES = {
    "MSH": """Field Separator|Encoding Characters|Sending Application|Sending Facility|Receiving Application
        |Receiving Facility|Date/Time of Message|Security|Message Type|Message Control ID|Processing ID|Version ID
        |Sequence Number|Continuation Pointer|Accept Acknowledgment Type|Application Acknowledgment Type|Country Code
        |Character Set|Principal Language|Alternate Character Set Handling|Message Profile Identifier""",
    "MSA": """Acknowledgment Code|Message Control ID|Text Message|Expected Sequence Number|Delayed Acknowledgment Type
        |Error Condition""",
    "ERR": """Error Code and Location|Error Location|HL7 Error Code|Severity|Application Error Code
        |Application Error Parameter|Diagnostic Information|User Message|Inform Person Indicator|Override Type
        |Override Reason Code|Help Desk Contact Point""",
    "EVN": """Event Type Code|Recorded Date/Time|Date/Time Planned Event|Event Reason Code|Operator ID|Event Occurred
        |Event Facility""",
    "PID": """Set ID|Patient ID|Patient Identifier List|Alternate Patient ID|Patient Name|Mother's Maiden Name
        |Date/Time of Birth|Administrative Sex|Patient Alias|Race|Patient Address|County Code|Phone Number - Home
        |Phone Number - Business|Primary Language|Marital Status|Religion|Patient Account Number|SSN Number
        |Driver's License Number|Mother's Identifier|Ethnic Group|Birth Place|Multiple Birth Indicator|Birth Order
        |Citizenship|Veterans Military Status|Nationality|Patient Death Date and Time|Patient Death Indicator""",
    "MRG": """Prior Patient Identifier List|Prior Alternate Patient ID|Prior Patient Account Number|Prior Patient ID
        |Prior Visit Number|Prior Alternate Visit ID|Prior Patient Name""",
    "PV1": """Set ID|Patient Class|Assigned Patient Location|Admission Type|Preadmit Number|Prior Patient Location
        |Attending Doctor|Referring Doctor|Consulting Doctor|Hospital Service|Temporary Location|Preadmit Test Indicator
        |Re-admission Indicator|Admit Source|Ambulatory Status|VIP Indicator|Admitting Doctor|Patient Type|Visit Number
        |Financial Class""",
    "DG1": """Set ID|Diagnosis Coding Method|Diagnosis Code|Diagnosis Description|Diagnosis Date/Time|Diagnosis Type""",
    "ORC": """Order Control|Placer Order Number|Filler Order Number|Placer Group Number|Order Status|Response Flag
        |Quantity/Timing|Parent|Date/Time of Transaction|Entered By|Verified By|Ordering Provider|Enterer's Location
        |Call Back Phone Number|Order Effective Date/Time|Order Control Code Reason|Entering Organization
        |Entering Device|Action By|Advanced Beneficiary Notice Code|Ordering Facility Name""",
    "RXO": """Requested Give Code|Requested Give Amount - Minimum|Requested Give Amount - Maximum|Requested Give Units
        |Requested Dosage Form|Provider's Pharmacy/Treatment Instructions|Provider's Administration Instructions
        |Deliver-To Location|Allow Substitutions|Requested Dispense Code|Requested Dispense Amount
        |Requested Dispense Units|Number of Refills|Ordering Provider's DEA Number
        |Pharmacist/Treatment Supplier's Verifier ID|Needs Human Review|Requested Give Per|Requested Give Strength
        |Requested Give Strength Units|Indication""",
    "RXE": """Quantity/Timing|Give Code|Give Amount - Minimum|Give Amount - Maximum|Give Units|Give Dosage Form
        |Provider's Administration Instructions|Deliver-To Location|Substitution Status|Dispense Amount|Dispense Units
        |Number of Refills|Ordering Provider's DEA Number|Pharmacist's Verifier ID|Prescription Number""",
    "OBR": """Set ID|Placer Order Number|Filler Order Number|Universal Service Identifier|Priority
        |Requested Date/Time|Observation Date/Time|Observation End Date/Time|Collection Volume|Collector Identifier
        |Specimen Action Code|Danger Code|Relevant Clinical Information|Specimen Received Date/Time|Specimen Source
        |Ordering Provider|Order Callback Phone Number|Placer Field 1|Placer Field 2|Filler Field 1|Filler Field 2
        |Results Rpt/Status Change|Charge to Practice|Diagnostic Service Section ID|Result Status|Parent Result
        |Quantity/Timing|Result Copies To|Parent|Transportation Mode|Reason for Study|Principal Result Interpreter""",
    "OBX": """Set ID|Value Type|Observation Identifier|Observation Sub-ID|Observation Value|Units|References Range
        |Abnormal Flags|Probability|Nature of Abnormal Test|Observation Result Status|Effective Date of Reference Range
        |User Defined Access Checks|Date/Time of the Observation|Producer's ID|Responsible Observer|Observation Method
        |Equipment Instance Identifier|Date/Time of the Analysis""",
    "FT1": """Set ID|Transaction ID|Transaction Batch ID|Transaction Date|Transaction Posting Date|Transaction Type
        |Transaction Code|Transaction Description|Transaction Description - Alt|Transaction Quantity
        |Transaction Amount - Extended|Transaction Amount - Unit|Department Code|Insurance Plan ID|Insurance Amount
        |Assigned Patient Location|Fee Schedule|Patient Type|Diagnosis Code|Performed By Code|Ordered By Code|Unit Cost
        |Filler Order Number|Entered By Code|Procedure Code|Procedure Code Modifier|Advanced Beneficiary Notice Code
        |Medically Necessary Duplicate Procedure Reason|NDC Code|Payment Reference ID""",
    "SCH": """Placer Appointment ID|Filler Appointment ID|Occurrence Number|Placer Group Number|Schedule ID
        |Event Reason|Appointment Reason|Appointment Type|Appointment Duration|Appointment Duration Units
        |Appointment Timing Quantity|Placer Contact Person|Placer Contact Phone Number|Placer Contact Address
        |Placer Contact Location|Filler Contact Person|Filler Contact Phone Number|Filler Contact Address
        |Filler Contact Location|Entered By Person|Entered By Phone Number|Entered By Location
        |Parent Placer Appointment ID|Parent Filler Appointment ID|Filler Status Code""",
}
FIELD_NAMES: dict[str, tuple[str, ...]] = {
    segment: tuple(" ".join(name.split()) for name in names.split("|")) for segment, names in _NAMES.items()
}
"""For each segment its fields' names, the first one's first."""


def field_name(segment: str, number: int) -> str:
    """What the field is called; '' where the table is silent."""
    names = FIELD_NAMES.get(segment, ())
    return names[number - 1] if 0 < number <= len(names) else ""
