SELECT
    InvoiceNo AS order_id,
    row_number() OVER (
        PARTITION BY InvoiceNo ORDER BY StockCode, Quantity, UnitPrice, Description, InvoiceDate
    ) AS line_number,
    StockCode AS product_id,
    Quantity AS quantity,
    UnitPrice::DECIMAL(18, 4) AS unit_price, -- stored as a float
    0 AS tax_rate -- prices are all there is to pay
FROM read_parquet('data/01_raw/online_retail.parquet')
WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL
