"""The outpatient invoice 医疗门诊收费票据 of every paid bill: numbered, printed, verified, taken back in red.

Owns invoices with their numbers and sums, how each comes to the numbers of its issuer, the personal data as it
stood when they were issued (sealed), and every print at a window. Does not own the bill (payment), the pickup code
by which a window finds the visit (pharmacy), or how an invoice looks on paper.
"""
