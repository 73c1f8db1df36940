"""The visit on paper: invoices, receipts, bag labels and posters as PDF, and QR codes.

It owns how a paper looks and that every character on it can be read. It gets plain rows and gives bytes; it knows no
step of the visit and no database, decides nothing, and keeps nothing.
"""
