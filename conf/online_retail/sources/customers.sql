SELECT
    CustomerID AS customer_id,
    arg_max(Country, (InvoiceDate, Country)) AS country -- some moved: the newest
FROM read_parquet('data/01_raw/online_retail.parquet')
WHERE InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL
GROUP BY CustomerID
