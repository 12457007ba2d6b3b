SELECT
    StockCode AS product_id,
    arg_max(Description, (InvoiceDate, Description)) AS name, -- spellings differ: the newest
    arg_max(UnitPrice::DECIMAL(18, 4), (InvoiceDate, UnitPrice)) AS unit_price
FROM read_parquet('data/01_raw/online_retail.parquet')
WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL
GROUP BY StockCode
