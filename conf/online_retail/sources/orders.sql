SELECT
    InvoiceNo AS order_id,
    any_value(CustomerID) AS customer_id, -- an invoice has one
    'complete' AS status, -- there is none: cancellations are invoices of their own and are left out
    min(InvoiceDate) AS ordered_at, -- lines of an invoice may be a minute apart
    0 AS shipping_fee -- postage is a line like any other
FROM read_parquet('data/01_raw/online_retail.parquet')
WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL
GROUP BY InvoiceNo
