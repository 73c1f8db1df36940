"""The fiscal e-invoice platform 财政电子票据平台: it signs, numbers and shows what hospitals report."""
