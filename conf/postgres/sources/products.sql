SELECT *
FROM shop.products
